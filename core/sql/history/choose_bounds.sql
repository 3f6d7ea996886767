-- Returns the ids of wallets that part all wallets into ranges of this size. An id is the first of its range.
-- Locks nothing. Reads all wallets' ids, by wallets_pkey.
SELECT id
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM wallets) numbered
 WHERE number %% %(size)s = 0
 ORDER BY id
