-- Takes exactly these places out of the queue. Never "all up to": a smaller position may be committed later, and unseen.
-- Under the shards' locks alone, so no row moves between the look for its ctid and its deletion. Leans on queue_pkey a place, and deletes
-- by ctid: a join on the key itself may be planned as a walk through the whole queue, and is while the statistics say that it is empty.
DELETE FROM queue
 USING unnest(%(shard)b::integer[], %(position)b::bigint[]) AS done (shard, position)
 CROSS JOIN LATERAL (SELECT q.ctid AS place FROM queue q WHERE q.shard = done.shard AND q.position = done.position OFFSET 0) found
 WHERE queue.ctid = found.place
