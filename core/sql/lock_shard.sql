-- Locks the shard's row until the transaction ends, or returns nothing when somebody else holds it. Never waits: all workers would
-- pile up behind one hot shard.
SELECT shard
  FROM shards
 WHERE shard = %(shard)s
   FOR UPDATE SKIP LOCKED
