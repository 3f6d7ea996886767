-- Transfers that are queued, newest first, from just below a given one. They have no entries yet. Locks nothing.
-- Sorts the queue, from each shard's floor on, and leans on shards_pkey, queue_pkey, transfers_pkey and entries_transfer a row, so it
-- costs what waits, never what is stored. OFFSET 0 keeps the planner to that. Those of one wallet are searched for by list_wallet_transfers.
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
