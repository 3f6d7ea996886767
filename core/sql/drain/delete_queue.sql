-- Deletes exactly these positions from the queue. Never "all up to": a smaller position may be committed later.
-- Runs under the shards' locks, so no row moves between the look-up of its ctid and the DELETE.
-- Index: queue_pkey per position. It deletes by ctid: a join on the key is planned as a scan of the whole queue while the
-- statistics say that the queue is empty.
DELETE FROM queue
 USING unnest(%(shard)b::integer[], %(position)b::bigint[]) AS done (shard, position)
 CROSS JOIN LATERAL (SELECT q.ctid AS place FROM queue q WHERE q.shard = done.shard AND q.position = done.position OFFSET 0) found
 WHERE queue.ctid = found.place
