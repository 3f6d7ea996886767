-- Returns per shard the number of queued transfers, the age of the first, and since when the longest due work waits for the sweeper,
-- for one scrape of the metrics.
-- Locks nothing. Index: shards_pkey, transfers_pkey, due_next, and queue_pkey from the shard's floor on, so its cost depends only on
-- how many are queued.
SELECT s.shard, depth.transfers,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - head.created_at), 0), 0)::float8 AS oldest_s,
       coalesce(extract(epoch FROM clock_timestamp() - first_due.due_at), 0)::float8 AS due_s
  FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
 CROSS JOIN LATERAL (SELECT count(*) AS transfers FROM queue WHERE shard = s.shard AND position >= s.floor) depth
  LEFT JOIN LATERAL (
        {{head_of_queue}}
       ) head ON true
  LEFT JOIN LATERAL (
        SELECT due_at FROM due WHERE due.shard = s.shard AND due_at <= now() ORDER BY due.shard, due_at LIMIT 1
       ) first_due ON true
