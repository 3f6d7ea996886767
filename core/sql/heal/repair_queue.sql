-- Queues each queued transfer that has no position and is not scheduled for later, in the order of acceptance. Reads all transfers.
-- Its transaction has locked the table of shards, so no drain runs.
INSERT INTO queue (shard, transfer_id)
SELECT t.shard, t.id
  FROM transfers t
 WHERE t.status = 'queued'
   AND NOT EXISTS (SELECT FROM queue q WHERE q.transfer_id = t.id)
   AND NOT EXISTS (SELECT FROM due d WHERE d.transfer_id = t.id AND d.verb = 'apply')
 ORDER BY t.created_at, t.id
