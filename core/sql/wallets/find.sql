-- Returns a wallet: balance, held and version are of one snapshot.
-- Index: wallets_pkey.
SELECT id, client_id, currency, balance, held, version, status, created_at
  FROM wallets
 WHERE id = %(id)s
