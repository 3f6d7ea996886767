-- Every client has its wallet, every shard its external wallet (core/ids.py), and every transfer its shard. There are no other
-- wallets.
-- Reads all clients, wallets and transfers, by hash join.
SELECT 'client' AS kind, c.id, 'has no wallet' AS detail
  FROM clients c
 WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.client_id = c.id)
UNION ALL
SELECT 'wallet', w.id, 'is of a client that does not exist'
  FROM wallets w
 WHERE w.kind = 'client' AND NOT EXISTS (SELECT FROM clients c WHERE c.id = w.client_id)
UNION ALL
SELECT 'wallet', coalesce(s.external_wallet, w.id),
       CASE WHEN w.id IS NULL THEN 'is the external wallet of shard ' || s.shard || ' and does not exist'
            ELSE 'is external and of a shard that does not exist' END
  FROM (SELECT shard, ('00000000-0000-7000-8000-' || lpad(to_hex(shard), 12, '0'))::uuid AS external_wallet FROM shards) s
  FULL JOIN (SELECT id FROM wallets WHERE kind = 'external') w ON w.id = s.external_wallet
 WHERE s.shard IS NULL OR w.id IS NULL
UNION ALL
SELECT 'ledger', NULL, 'shard ' || shard || ' has transfers and does not exist'
  FROM (SELECT shard FROM transfers EXCEPT SELECT shard FROM shards) missing
