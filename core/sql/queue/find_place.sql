-- Returns how many transfers are queued before one in its shard, and the age of the first of them; no row if it has no place.
-- Counts up to a limit: where it does not meet the transfer within so many, it returns that number.
-- Locks nothing. Index: shards_pkey, queue_pkey from the shard's floor on; transfers_pkey for the first.
SELECT place.ahead, greatest(extract(epoch FROM clock_timestamp() - head.created_at), 0)::float8 AS oldest_seconds
  FROM (SELECT shard, floor FROM shards WHERE shard = %(shard)s OFFSET 0) s
 CROSS JOIN LATERAL (
        SELECT coalesce(min(ahead) FILTER (WHERE transfer_id = %(id)s), CASE WHEN count(*) > %(most)s THEN %(most)s END)::integer AS ahead
          FROM (
                SELECT transfer_id, row_number() OVER (ORDER BY position) - 1 AS ahead
                  FROM (
                        SELECT position, transfer_id
                          FROM queue
                         WHERE shard = s.shard AND position >= s.floor
                         ORDER BY position
                         LIMIT %(most)s + 1
                       ) q
               ) counted
       ) place
 CROSS JOIN LATERAL (
        {{head_of_queue}}
       ) head
 WHERE place.ahead IS NOT NULL
