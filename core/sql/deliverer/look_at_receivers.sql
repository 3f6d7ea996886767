-- Returns the time of the longest due delivery of each of these receivers. A receiver without a due delivery has no row.
-- Reads as deliverer/list_receivers does.
-- Locks nothing. Index: receivers_pkey, and deliveries_due per receiver.
SELECT wanted.owner, wanted.receiver, first.due_since
  FROM unnest(%(owners)s::text[], %(receivers)s::text[]) AS wanted (owner, receiver)
 CROSS JOIN LATERAL (
        SELECT r.due_from FROM receivers r WHERE r.owner = wanted.owner AND r.receiver = wanted.receiver OFFSET 0
       ) one
 CROSS JOIN LATERAL (
        SELECT d.next_attempt_at AS due_since
          FROM deliveries d
         WHERE d.status = 'pending'
           AND d.owner = wanted.owner
           AND d.receiver = wanted.receiver
           AND d.next_attempt_at >= least(one.due_from, now() - interval '30 seconds')
           AND d.next_attempt_at <= now()
         ORDER BY d.owner, d.receiver, d.next_attempt_at
         LIMIT 1
       ) first
