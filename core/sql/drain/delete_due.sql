-- Deletes the ends of these holds, which the batch has closed. Waits for a sweeper that is queuing the release of one, and then deletes
-- the row as the sweeper left it. By the key of one table, not by ctid as drain/delete_queue: the sweeper's row has another ctid.
-- Index: due_pkey per row. No other index has the transfer first, so no statistics lead to another plan.
DELETE FROM due WHERE transfer_id = ANY(%(id)b::uuid[]) AND verb = 'release'
