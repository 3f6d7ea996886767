-- How many transfers wait, counted up to a limit. Locks nothing. Leans on shards_pkey, and on queue_pkey from each shard's floor on, so it
-- costs what waits.
SELECT count(*) AS queued
  FROM (
        SELECT
          FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
         CROSS JOIN LATERAL (SELECT FROM queue WHERE shard = s.shard AND position >= s.floor OFFSET 0) q
         LIMIT %(most)s
       ) counted
