-- Returns the shards whose first transfer has waited for too long.
-- A time in the future was written before the clock was set back, or by another server. That transfer is returned too, because its
-- wait is unknown.
-- Locks nothing. Index: shards_pkey; per shard queue_pkey from the floor on, and transfers_pkey.
SELECT s.shard
  FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
 CROSS JOIN LATERAL (
        {{head_of_queue}}
       ) head
 WHERE head.created_at < clock_timestamp() - make_interval(secs => %(waited_s)s)
    OR head.created_at > clock_timestamp()
 ORDER BY head.created_at
