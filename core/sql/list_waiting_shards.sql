-- Shards whose next transfer has waited for longer than it should. Locks nothing. A look at queue_pkey a shard.
SELECT s.shard
  FROM shards s
 CROSS JOIN LATERAL (SELECT q.transfer_id FROM queue q WHERE q.shard = s.shard ORDER BY q.position LIMIT 1) head
  JOIN transfers t ON t.id = head.transfer_id
 WHERE t.created_at < clock_timestamp() - make_interval(secs => %(waited_s)s)
 ORDER BY t.created_at
