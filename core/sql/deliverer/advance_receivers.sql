-- Moves the bound from which on each of these receivers' due deliveries are looked for: to its first pending one, and never nearer to now
-- than half a minute, which is longer than a transaction of ours may last: one that has not committed yet may still add what was due
-- since it began. Reads what has ended since the last time. Locks the rows in the order of (owner, receiver), as the statements that make
-- deliveries do, so that neither waits for the other in a circle. A row that changed while this waited for it is left to the next time.
-- Leans on receivers_pkey, and on deliveries_due a receiver.
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
