-- Locks wallets in id order, the one order in which wallets are ever locked, and reads them as they are once locked.
-- FOR NO KEY UPDATE: nothing that is merely inserted beside a wallet has to wait.
SELECT id, kind = 'external' AS external, balance, version
  FROM wallets
 WHERE id = ANY(%(ids)b)
 ORDER BY id
   FOR NO KEY UPDATE
