-- Lowers each floor that is above its shard's first queued position, or above the next position: after a restore, or damage.
-- Only migrations run this. Index: queue_pkey, one entry per shard.
UPDATE shards
   SET floor = lowered.floor
  FROM (
        SELECT s.shard, least(s.floor, head.position, coalesce(pg_sequence_last_value('queue_position_seq'), 0) + 1) AS floor
          FROM shards s
          LEFT JOIN LATERAL (SELECT position FROM queue WHERE shard = s.shard ORDER BY position LIMIT 1) head ON true
       ) lowered
 WHERE shards.shard = lowered.shard AND shards.floor > lowered.floor
