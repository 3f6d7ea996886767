-- Returns the kind of each of these wallets that exists.
-- Index: wallets_pkey.
SELECT id, kind
  FROM wallets
 WHERE id = ANY(%(ids)b)
