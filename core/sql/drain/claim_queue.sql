-- The next transfers of each shard, all in order of acceptance. To be run after drain/lock_shards, as a statement of its own: its snapshot
-- then holds all that the locks' last holders have committed. Begins at the shard's stored floor, or at the caller's own where that is
-- higher: below it the index may hold the entries of millions of deleted rows. Locks nothing. Leans on shards_pkey and queue_pkey, and
-- on transfers_pkey a row: OFFSET 0 leaves the planner no other way, whatever the statistics say.
SELECT head.shard, head.position, head.id AS transfer_id, head.source, head.destination, head.amount
  FROM unnest(%(shards)b::integer[], %(floors)b::bigint[]) AS wanted (shard, floor)
 CROSS JOIN LATERAL (SELECT greatest(s.floor, wanted.floor) AS floor FROM shards s WHERE s.shard = wanted.shard OFFSET 0) begins
 CROSS JOIN LATERAL (
        SELECT q.shard, q.position, t.id, t.source, t.destination, t.amount
          FROM (
                SELECT shard, position, transfer_id
                  FROM queue
                 WHERE shard = wanted.shard AND position >= begins.floor
                 ORDER BY position
                OFFSET 0
               ) q
         CROSS JOIN LATERAL (SELECT id, source, destination, amount FROM transfers WHERE id = q.transfer_id OFFSET 0) t
         ORDER BY q.position
         LIMIT %(limit)s
       ) head
 ORDER BY head.position
