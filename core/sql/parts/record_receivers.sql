-- Records that the receivers of `due_receivers` (owner, receiver) are used, unless that was recorded within the last 10 minutes.
-- The deliverer looks for due deliveries at recorded receivers only. Retention deletes a receiver after an hour without use.
-- Locks: the rows that it writes, in the order of owner and receiver. Index: receivers_pkey.
INSERT INTO receivers (owner, receiver)
    SELECT owner, receiver
      FROM due_receivers w
     WHERE (SELECT r.used_at > now() - interval '10 minutes' FROM receivers r WHERE r.owner = w.owner AND r.receiver = w.receiver)
           IS NOT TRUE
     ORDER BY owner, receiver
    ON CONFLICT (owner, receiver) DO UPDATE SET used_at = now()
