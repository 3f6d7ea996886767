-- The columns of a wallet that core.ledger.book.Wallet has: for a drain, which locks the row, and for a preview, which does not. The
-- statement names the row of wallets `w`.
w.id, w.kind = 'external' AS external, w.balance, w.version, w.held,
       {{rules}}
