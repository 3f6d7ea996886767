-- Counts the queued transfers, up to a limit.
-- Locks nothing. Index: shards_pkey, and queue_pkey from each shard's floor on, so its cost depends only on how many are queued.
SELECT count(*) AS queued
  FROM (
        SELECT
          FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
         CROSS JOIN LATERAL (SELECT FROM queue WHERE shard = s.shard AND position >= s.floor OFFSET 0) q
         LIMIT %(most)s
       ) counted
