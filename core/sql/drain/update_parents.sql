-- Writes what the children of these transfers have taken. 0 is stored as NULL, as in the rows that never had a child.
-- `unreversed` is of those with lines alone (core/admin/migrations/0017_lines.sql).
-- Runs under the locks of the wallets (see drain/find_parents). The UPDATE is HOT.
-- Index: transfers_pkey per row. It updates by ctid, for the reason given in drain/delete_queue.
UPDATE transfers t
   SET captured = nullif(new.captured, 0),
       returned = nullif(new.returned, 0),
       unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN t.moved - new.returned END
  FROM unnest(%(id)b::uuid[], %(captured)b::bigint[], %(returned)b::bigint[]) AS new (id, captured, returned)
 CROSS JOIN LATERAL (SELECT found.ctid AS place FROM transfers found WHERE found.id = new.id OFFSET 0) stored
 WHERE t.ctid = stored.place
