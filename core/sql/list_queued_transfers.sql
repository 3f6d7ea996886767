-- Transfers that are queued, newest first, from just below a given one. Without entries: they have none yet. Locks nothing.
-- Sorts the queue, from each shard's floor on, and leans on shards_pkey, queue_pkey and transfers_pkey a row, so it costs what waits,
-- never what is stored. OFFSET 0 keeps the planner to that. Those of one wallet are searched for by list_wallet_transfers.
SELECT t.id, t.type, t.status, t.failure_code, t.source, t.destination, t.amount, t.currency, t.reference, t.metadata, t.callback_url, t.owner,
       t.idempotency_key, t.fingerprint, t.created_at, t.finished_at, '[]'::json AS entries
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
