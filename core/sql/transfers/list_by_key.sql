-- Returns the transfer of an owner's key, if it matches the filters and has an id below a given one.
-- Index: transfers_owner_key, entries_transfer: OFFSET 0 leaves the planner no other plan.
SELECT {{transfer}}
  FROM (SELECT * FROM transfers WHERE owner = %(owner)s AND idempotency_key = %(idempotency_key)s OFFSET 0) t
 WHERE t.id < %(before)s
   AND {{matches}}
