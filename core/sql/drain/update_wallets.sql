-- Writes the new balances, versions and reserved amounts of wallets that drain/lock_wallets has locked.
-- Index: wallets_pkey per wallet. It updates by ctid, for the reason given in drain/delete_queue. The locks keep rows from moving.
UPDATE wallets w
   SET balance = new.balance, version = new.version, held = new.held
  FROM unnest(%(id)b::uuid[], %(balance)b::bigint[], %(version)b::bigint[], %(held)b::bigint[])
       AS new (id, balance, version, held)
 CROSS JOIN LATERAL (SELECT locked.ctid AS place FROM wallets locked WHERE locked.id = new.id OFFSET 0) found
 WHERE w.ctid = found.place
