-- Returns per shard the number of queued transfers and the age of the first, for one scrape of the metrics.
-- A scheduled transfer waits since its time. Reads transfers once per shard, by an inner join, for the reason given in sweep/list_waiting_shards.
-- Locks nothing. Index: shards_pkey, transfers_pkey, and queue_pkey from the shard's floor on, so its cost depends only on how many
-- are queued.
SELECT s.shard, depth.transfers,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - head.created_at), 0), 0)::float8 AS oldest_s
  FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
 CROSS JOIN LATERAL (SELECT count(*) AS transfers FROM queue WHERE shard = s.shard AND position >= s.floor) depth
  LEFT JOIN LATERAL (
        SELECT greatest(t.created_at, t.scheduled_for) AS created_at
          FROM (
                SELECT position, transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor ORDER BY position OFFSET 0
               ) q
         CROSS JOIN LATERAL (SELECT created_at, scheduled_for FROM transfers WHERE id = q.transfer_id OFFSET 0) t
         ORDER BY q.position
         LIMIT 1
       ) head ON true
