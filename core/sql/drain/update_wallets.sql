-- Writes the new balances, versions and reserved amounts of wallets that drain/lock_wallets has locked. The guard of one with
-- rules repeats them: an older worker does not write it, and a CHECK stops it (core/admin/migrations/0016_wallet_rules.sql).
-- Index: wallets_pkey per wallet. It updates by ctid, for the reason given in drain/delete_queue. The locks keep rows from moving.
UPDATE wallets w
   SET balance = new.balance, version = new.version, held = new.held, guard = CASE WHEN w.guard IS NOT NULL THEN ARRAY[new.version, new.held] END
  FROM unnest(%(id)b::uuid[], %(balance)b::bigint[], %(version)b::bigint[], %(held)b::bigint[])
       AS new (id, balance, version, held)
 CROSS JOIN LATERAL (SELECT locked.ctid AS place FROM wallets locked WHERE locked.id = new.id OFFSET 0) found
 WHERE w.ctid = found.place
