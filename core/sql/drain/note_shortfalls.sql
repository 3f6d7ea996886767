-- Notes of rejected transfers what was available and what they needed.
-- Runs after drain/finish_transfers, in its transaction: a batch that rejects none for such a reason pays nothing. The UPDATE is HOT.
-- Index: transfers_pkey per row. It updates by ctid, for the reason given in drain/delete_queue.
UPDATE transfers t
   SET available = new.available, needed = new.needed
  FROM unnest(%(transfer_id)b::uuid[], %(available)b::bigint[], %(needed)b::bigint[]) AS new (id, available, needed)
 CROSS JOIN LATERAL (SELECT found.ctid AS place FROM transfers found WHERE found.id = new.id OFFSET 0) stored
 WHERE t.ctid = stored.place
