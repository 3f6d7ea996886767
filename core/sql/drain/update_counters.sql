-- Writes what counts against the limits of wallets that drain/lock_wallets has locked, and the day of its windows, counted from 1970 on.
-- Runs after drain/update_wallets.
-- Index: wallets_pkey per wallet. It updates by ctid, for the reason given in drain/delete_queue. The locks keep rows from moving.
UPDATE wallets w
   SET counted_day = date '1970-01-01' + new.today, debits_today = new.debits_today, debits_this_month = new.debits_this_month
  FROM unnest(%(wallet_id)b::uuid[], %(today)b::integer[], %(debits_today)b::bigint[], %(debits_this_month)b::bigint[])
       AS new (id, today, debits_today, debits_this_month)
 CROSS JOIN LATERAL (SELECT locked.ctid AS place FROM wallets locked WHERE locked.id = new.id OFFSET 0) found
 WHERE w.ctid = found.place
