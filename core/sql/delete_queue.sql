-- Takes exactly these places out of the queue. Never "all up to": a smaller position may be committed later, and unseen.
-- Under the shards' locks alone. Leans on queue_pkey.
DELETE FROM queue q
 USING unnest(%(shards)b::integer[], %(positions)b::bigint[]) AS done (shard, position)
 WHERE q.shard = done.shard AND q.position = done.position
