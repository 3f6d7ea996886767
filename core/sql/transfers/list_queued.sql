-- Returns queued transfers, newest first, below a given id: also the scheduled ones whose time has come and that have no place in the
-- queue yet. They have no entries yet.
-- Sorts the queue, so its cost depends on how many are queued, not on how many are stored. OFFSET 0 keeps the planner to this plan.
-- The queued ones of one wallet are searched by transfers/list_of_wallet.
-- Locks nothing. Index: shards_pkey, queue_pkey from each shard's floor on, due_next; per row transfers_pkey and entries_transfer.
SELECT {{transfer}}
  FROM (
        SELECT queue.transfer_id
          FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
         CROSS JOIN LATERAL (
                (SELECT transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor AND transfer_id < %(before)s OFFSET 0)
                UNION ALL
                (SELECT transfer_id
                   FROM due
                  WHERE due.shard = s.shard AND due_at <= now() AND verb = 'apply' AND transfer_id < %(before)s
                  ORDER BY due.shard, due_at
                 OFFSET 0)
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
