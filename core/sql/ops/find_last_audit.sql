-- Returns the last audit of the whole ledger whose result was stored. Locks nothing. Index: audits_pkey backwards.
SELECT began_at, finished_at, broken::json AS broken, transfers, entries, wallets
  FROM audits
 ORDER BY id DESC
 LIMIT 1
