-- Locks wallets in the order of their ids, the only order in which wallets are locked, and returns their current rows.
-- Those with rules return them too, with the counters of the windows of today: read under the lock, as the balance is.
-- FOR NO KEY UPDATE: inserts of rows that refer to a wallet need not wait.
SELECT {{wallet_of_ledger}}
  FROM wallets w
 WHERE id = ANY(%(ids)b)
 ORDER BY id
   FOR NO KEY UPDATE
