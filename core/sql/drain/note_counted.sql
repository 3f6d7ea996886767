-- Notes of applied transfers that they count against limits, and in the windows of which day, counted from 1970 on.
-- Runs after drain/finish_transfers, in its transaction. The UPDATE is HOT.
-- Index: transfers_pkey per row. It updates by ctid, for the reason given in drain/delete_queue.
UPDATE transfers t
   SET counted_on = date '1970-01-01' + new.day
  FROM unnest(%(transfer_id)b::uuid[], %(day)b::integer[]) AS new (id, day)
 CROSS JOIN LATERAL (SELECT found.ctid AS place FROM transfers found WHERE found.id = new.id OFFSET 0) stored
 WHERE t.ctid = stored.place
