-- The columns of a wallet that core.ledger.book.Wallet has: for a drain, which locks the row, and for a preview, which does not.
id, kind = 'external' AS external, balance, version, held
