-- Returns the shards whose first transfer has waited for too long.
-- A scheduled transfer waits since its time.
-- The join is inside, as in drain/claim_queue: a position without a transfer would else hide all transfers behind it.
-- A time in the future was written before the clock was set back, or by another server. That transfer is returned too, because its
-- wait is unknown.
-- Locks nothing. Index: shards_pkey; per shard queue_pkey from the floor on, and transfers_pkey.
SELECT s.shard
  FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
 CROSS JOIN LATERAL (
        SELECT greatest(t.created_at, t.scheduled_for) AS created_at
          FROM (
                SELECT position, transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor ORDER BY position OFFSET 0
               ) q
         CROSS JOIN LATERAL (SELECT created_at, scheduled_for FROM transfers WHERE id = q.transfer_id OFFSET 0) t
         ORDER BY q.position
         LIMIT 1
       ) head
 WHERE head.created_at < clock_timestamp() - make_interval(secs => %(waited_s)s)
    OR head.created_at > clock_timestamp()
 ORDER BY head.created_at
