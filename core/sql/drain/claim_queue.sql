-- Returns the next transfers of each shard, in order of acceptance.
-- Must run after drain/lock_shards as a statement of its own: its snapshot then has all that earlier holders of the locks
-- committed.
-- Starts at the shard's stored floor or at the caller's, whichever is higher. Below it, the index may have entries of millions of
-- deleted rows.
-- A `special` one says more than its wallets and its amount: the caller reads that by drain/find_specials.
-- Locks nothing. Index: shards_pkey, queue_pkey, and transfers_pkey per row: OFFSET 0 leaves the planner no other plan.
SELECT head.shard, head.position, head.id AS transfer_id, head.source, head.destination, head.amount, head.special
  FROM unnest(%(shards)b::integer[], %(floors)b::bigint[]) AS wanted (shard, floor)
 CROSS JOIN LATERAL (SELECT greatest(s.floor, wanted.floor) AS floor FROM shards s WHERE s.shard = wanted.shard OFFSET 0) begins
 CROSS JOIN LATERAL (
        SELECT q.shard, q.position, t.id, t.source, t.destination, t.amount, t.special
          FROM (
                SELECT shard, position, transfer_id
                  FROM queue
                 WHERE shard = wanted.shard AND position >= begins.floor
                 ORDER BY position
                OFFSET 0
               ) q
         CROSS JOIN LATERAL (
                SELECT id, source, destination, amount,
                       NOT (parent IS NULL AND fit IS NULL AND expires_at IS NULL AND apply_within_s IS NULL AND amount > 0
                            AND wallet_ids IS NULL) AS special
                  FROM transfers
                 WHERE id = q.transfer_id
                OFFSET 0
               ) t
         ORDER BY q.position
         LIMIT %(limit)s
       ) head
 ORDER BY head.position
