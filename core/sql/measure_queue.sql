-- How much waits in each shard, and for how long its next transfer has: for one scrape. Locks nothing. Counts along queue_pkey, so it
-- costs what waits; looks at transfers_pkey once a shard, joined inside as list_waiting_shards does, and for the same reason.
SELECT s.shard, coalesce(depth.transfers, 0) AS transfers,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - head.created_at), 0), 0)::float8 AS oldest_s
  FROM shards s
  LEFT JOIN (SELECT shard, count(*) AS transfers FROM queue GROUP BY shard) depth ON depth.shard = s.shard
  LEFT JOIN LATERAL (
        SELECT t.created_at
          FROM queue q
          JOIN transfers t ON t.id = q.transfer_id
         WHERE q.shard = s.shard
         ORDER BY q.position
         LIMIT 1
       ) head ON true
