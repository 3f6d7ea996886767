-- Returns a wallet: balance, held, version and rules are of one snapshot.
-- Index: wallets_pkey.
SELECT {{wallet}}
  FROM wallets w
 WHERE w.id = %(id)s
