-- Returns transfers with their entries, in one statement: a final transfer is never read without them.
-- Index: transfers_pkey, entries_transfer.
SELECT {{transfer}}
  FROM transfers t
 WHERE id = ANY(%(ids)b::uuid[])
