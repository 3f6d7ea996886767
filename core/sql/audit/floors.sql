-- No queued transfer is below its shard's floor, where each read of the queue starts, and no floor is above the next position.
-- Reads the whole queue, because this check must not rely on the floors.
SELECT 'transfer' AS kind, q.transfer_id AS id,
       'is at ' || q.position || ' of shard ' || q.shard || ', whose queue is read from ' || s.floor || ' on: run python -m core migrate' AS detail
  FROM queue q
  JOIN shards s ON s.shard = q.shard
 WHERE q.position < s.floor
UNION ALL
SELECT 'ledger', NULL,
       'the queue of shard ' || shard || ' is read from ' || floor || ' on, above the next position: run python -m core migrate'
  FROM shards
 WHERE floor > coalesce(pg_sequence_last_value('queue_position_seq'), 0) + 1
