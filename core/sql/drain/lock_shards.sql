-- Locks those shards that no other transaction has locked, until the transaction ends. Returns them with their floors.
-- It skips locked shards: if it waited, all workers would queue behind one busy shard.
SELECT shard, floor
  FROM shards
 WHERE shard = ANY(%(shards)b::integer[])
   FOR UPDATE SKIP LOCKED
