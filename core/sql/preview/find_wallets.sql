-- Returns wallets as drain/lock_wallets does, without a lock: as they are in the snapshot of the preview.
-- Index: wallets_pkey per wallet.
SELECT {{wallet_of_ledger}}
  FROM wallets w
 WHERE w.id = ANY(%(ids)b)
