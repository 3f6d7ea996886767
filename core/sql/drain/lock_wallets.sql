-- Locks wallets in the order of their ids, the only order in which wallets are locked, and returns their current rows.
-- FOR NO KEY UPDATE: inserts of rows that refer to a wallet need not wait.
SELECT {{wallet_of_ledger}}
  FROM wallets
 WHERE id = ANY(%(ids)b)
 ORDER BY id
   FOR NO KEY UPDATE
