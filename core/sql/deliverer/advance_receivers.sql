-- Raises the time from which each receiver's due deliveries are searched, to its first pending one. Index entries of ended ones are
-- then not read again.
-- It stays at least half a minute behind now. No transaction of Teller lasts longer, so none can still commit a delivery due before
-- it.
-- Locks: the receivers in the order of (owner, receiver), as the statements that make deliveries do, so no deadlock is possible.
-- A row that changed during the wait is left to the next run.
-- Index: receivers_pkey, and deliveries_due per receiver.
WITH locked AS MATERIALIZED (
    SELECT old.*
      FROM (
            SELECT owner COLLATE "C" AS owner, receiver COLLATE "C" AS receiver
              FROM unnest(%(owners)s::text[], %(receivers)s::text[]) AS given (owner, receiver)
             ORDER BY 1, 2
           ) wanted
     CROSS JOIN LATERAL (
            SELECT ctid AS row, owner, receiver, due_from
              FROM receivers
             WHERE owner = wanted.owner AND receiver = wanted.receiver
            OFFSET 0
               FOR NO KEY UPDATE
           ) old
), bound AS MATERIALIZED (
    SELECT old.row, least(now() - interval '30 seconds', first.next_attempt_at) AS due_from
      FROM locked old
      LEFT JOIN LATERAL (
            SELECT d.next_attempt_at
              FROM deliveries d
             WHERE d.status = 'pending'
               AND d.owner = old.owner
               AND d.receiver = old.receiver
               AND d.next_attempt_at >= least(old.due_from, now() - interval '30 seconds')
             ORDER BY d.owner, d.receiver, d.next_attempt_at
             LIMIT 1
           ) first ON true
)
UPDATE receivers r
   SET due_from = greatest(r.due_from, b.due_from)
  FROM bound b
 WHERE r.ctid = b.row
RETURNING r.receiver
