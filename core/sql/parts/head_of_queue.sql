-- Reads the first queued transfer of the shard `s` (shard, floor). The LIMIT stands behind the join, as in drain/claim_queue:
-- before it, a position without a transfer would hide all transfers after it.
-- Index: queue_pkey from the floor on, and transfers_pkey.
SELECT greatest(t.created_at, t.scheduled_for) AS created_at
          FROM (
                SELECT position, transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor ORDER BY position OFFSET 0
               ) q
         CROSS JOIN LATERAL (SELECT created_at, scheduled_for FROM transfers WHERE id = q.transfer_id OFFSET 0) t
         ORDER BY q.position
         LIMIT 1
