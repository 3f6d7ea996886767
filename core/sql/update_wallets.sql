-- Writes the new balances of wallets that lock_wallets has locked.
UPDATE wallets w
   SET balance = new.balance, version = new.version
  FROM unnest(%(ids)b::uuid[], %(balances)b::bigint[], %(versions)b::bigint[]) AS new (id, balance, version)
 WHERE w.id = new.id
