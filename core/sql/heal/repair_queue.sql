-- Gives a place in the queue to each queued transfer that has none, in the order of acceptance. Reads all transfers. Nothing is drained
-- while it runs: its transaction holds the shards' table.
INSERT INTO queue (shard, transfer_id)
SELECT t.shard, t.id
  FROM transfers t
 WHERE t.status = 'queued'
   AND NOT EXISTS (SELECT FROM queue q WHERE q.transfer_id = t.id)
 ORDER BY t.created_at, t.id
