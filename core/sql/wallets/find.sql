-- A wallet: balance and version of one instant. Leans on wallets_pkey.
SELECT id, client_id, currency, balance, version, status, created_at
  FROM wallets
 WHERE id = %(id)s
