-- Returns the kind and the currency of each of these wallets that exists.
-- Index: wallets_pkey.
SELECT id, kind, currency
  FROM wallets
 WHERE id = ANY(%(ids)b)
