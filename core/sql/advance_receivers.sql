-- Moves the bound from which on each of these receivers' due deliveries are looked for: to its first pending one, and never nearer to now
-- than half a minute, which is longer than a transaction of ours may last: one that has not committed yet may still add what was due
-- since it began. Reads what has ended since the last time. Locks the rows. Leans on receivers_pkey, and on deliveries_due a receiver.
WITH bound AS MATERIALIZED (
    SELECT old.row, least(now() - interval '30 seconds', first.next_attempt_at) AS due_from
      FROM unnest(%(owners)s::text[], %(receivers)s::text[]) AS wanted (owner, receiver)
     CROSS JOIN LATERAL (
            SELECT ctid AS row, due_from FROM receivers WHERE owner = wanted.owner AND receiver = wanted.receiver OFFSET 0
           ) old
      LEFT JOIN LATERAL (
            SELECT d.next_attempt_at
              FROM deliveries d
             WHERE d.status = 'pending'
               AND d.owner = wanted.owner
               AND d.receiver = wanted.receiver
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
