-- Writes the new balances of wallets that drain/lock_wallets has locked: no row moves between the look for its ctid and its update. Leans on
-- wallets_pkey a wallet, and updates by ctid, for the reason told in delete_queue.
UPDATE wallets w
   SET balance = new.balance, version = new.version
  FROM unnest(%(id)b::uuid[], %(balance)b::bigint[], %(version)b::bigint[]) AS new (id, balance, version)
 CROSS JOIN LATERAL (SELECT locked.ctid AS place FROM wallets locked WHERE locked.id = new.id OFFSET 0) found
 WHERE w.ctid = found.place
