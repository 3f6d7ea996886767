-- Returns queued transfers, newest first, below a given id. They have no entries yet.
-- Sorts the queue, so its cost depends on how many are queued, not on how many are stored. OFFSET 0 keeps the planner to this plan.
-- The queued ones of one wallet are searched by transfers/list_of_wallet.
-- Locks nothing. Index: shards_pkey, queue_pkey from each shard's floor on; per row transfers_pkey and entries_transfer.
SELECT {{transfer}}
  FROM (
        SELECT queue.transfer_id
          FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
         CROSS JOIN LATERAL (
                SELECT transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor AND transfer_id < %(before)s OFFSET 0
               ) queue
         ORDER BY queue.transfer_id DESC
        OFFSET 0
       ) queue
 CROSS JOIN LATERAL (
        SELECT *
          FROM transfers
         WHERE id = queue.transfer_id
           AND status = 'queued'
        OFFSET 0
       ) t
 ORDER BY queue.transfer_id DESC
 LIMIT %(limit)s
