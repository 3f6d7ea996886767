-- Transfers that are queued, newest first, from just below a given one. Without entries: they have none yet. Locks nothing.
-- Sorts the queue and leans on transfers_pkey a row, so it costs what waits, never what is stored. OFFSET 0 keeps the planner to that:
-- it would rather hash all transfers when many of them wait. Those of one wallet are searched for by list_wallet_transfers.
SELECT t.id, t.type, t.status, t.failure_code, t.source, t.destination, t.amount, t.currency, t.reference, t.metadata, t.callback_url, t.owner,
       t.idempotency_key, t.fingerprint, t.created_at, t.finished_at, '[]'::json AS entries
  FROM (SELECT transfer_id FROM queue WHERE transfer_id < %(before)s ORDER BY transfer_id DESC) q
 CROSS JOIN LATERAL (
        SELECT *
          FROM transfers
         WHERE id = q.transfer_id
           AND status = 'queued'
        OFFSET 0
       ) t
 ORDER BY q.transfer_id DESC
 LIMIT %(limit)s
