-- Makes each floor true again: after a restore, or damage. Not above the shard's lowest queued position, whatever the floor was, and not
-- above the next position that will be given. Only migrations run this. Reads queue_pkey, a look a shard.
UPDATE shards
   SET floor = lowered.floor
  FROM (
        SELECT s.shard, least(s.floor, head.position, coalesce(pg_sequence_last_value('queue_position_seq'), 0) + 1) AS floor
          FROM shards s
          LEFT JOIN LATERAL (SELECT position FROM queue WHERE shard = s.shard ORDER BY position LIMIT 1) head ON true
       ) lowered
 WHERE shards.shard = lowered.shard AND shards.floor > lowered.floor
