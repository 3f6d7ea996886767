-- Returns the transfers that are scheduled for later, newest first, below a given id. They have no entries yet.
-- Locks nothing. Index: due_scheduled backwards; per row transfers_pkey and entries_transfer.
SELECT {{transfer}}
  FROM (
        SELECT transfer_id
          FROM due
         WHERE verb = 'apply' AND transfer_id < %(before)s AND due_at > now()
         ORDER BY transfer_id DESC
         LIMIT %(limit)s
       ) scheduled
 CROSS JOIN LATERAL (SELECT * FROM transfers WHERE id = scheduled.transfer_id AND status = 'queued' OFFSET 0) t
 ORDER BY t.id DESC
