-- Transfers with their entries, in one statement: nobody sees a final transfer without them. Leans on transfers_pkey, entries_transfer.
SELECT {{transfer}}
  FROM transfers t
 WHERE id = ANY(%(ids)b::uuid[])
