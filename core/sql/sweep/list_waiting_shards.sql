-- Shards in which the next transfer has waited for longer than it should. Locks nothing. A look at shards_pkey and at queue_pkey from the floor
-- on a shard, and at transfers_pkey: joined inside, as drain/claim_queue does, because a place in the queue without a transfer would else
-- hide all that waits behind it. A time that is yet to come was written by a clock that has been set back since, or by another server:
-- how long that one has waited is unknown.
SELECT s.shard
  FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
 CROSS JOIN LATERAL (
        SELECT t.created_at
          FROM (
                SELECT position, transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor ORDER BY position OFFSET 0
               ) q
         CROSS JOIN LATERAL (SELECT created_at FROM transfers WHERE id = q.transfer_id OFFSET 0) t
         ORDER BY q.position
         LIMIT 1
       ) head
 WHERE head.created_at < clock_timestamp() - make_interval(secs => %(waited_s)s)
    OR head.created_at > clock_timestamp()
 ORDER BY head.created_at
