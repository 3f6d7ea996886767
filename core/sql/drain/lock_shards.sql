-- Locks those of the shards' rows that no other transaction has locked, until the transaction ends, and returns them with their floors.
-- Never waits: all workers would pile up behind one hot shard.
SELECT shard, floor
  FROM shards
 WHERE shard = ANY(%(shards)b::integer[])
   FOR UPDATE SKIP LOCKED
