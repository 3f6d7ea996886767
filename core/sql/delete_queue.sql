-- Takes exactly these places out of the queue. Never "all up to": a smaller position may be committed later, and unseen.
-- Under the shard's lock alone. Leans on queue_pkey.
DELETE FROM queue
 WHERE shard = %(shard)s AND position = ANY(%(positions)s::bigint[])
