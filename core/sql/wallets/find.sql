-- Returns a wallet: balance, held and version are of one snapshot.
-- Index: wallets_pkey.
SELECT {{wallet}}
  FROM wallets w
 WHERE w.id = %(id)s
