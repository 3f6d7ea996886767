-- Returns receivers that may have pending deliveries, by owner, each with the time of its longest due delivery, or NULL.
-- A look continues the one before: it starts at the owner `from_owner`. `owners` and `receivers` are pairs: at such an owner it
-- starts after that receiver. An owner of which no receiver is left has one row, with the receiver ''.
-- Reads one index entry of deliveries per receiver, because it starts at `due_from`: before that, index entries of ended deliveries
-- stay as long as any session holds a snapshot. `least` allows for a clock that was set back.
-- Locks nothing. Index: receivers_pkey, and deliveries_due per receiver.
WITH RECURSIVE owners AS (
    (SELECT owner FROM receivers WHERE owner >= %(from_owner)s ORDER BY owner LIMIT 1)
    UNION ALL
    SELECT next.owner
      FROM owners
     CROSS JOIN LATERAL (SELECT r.owner FROM receivers r WHERE r.owner > owners.owner ORDER BY r.owner LIMIT 1) next
)
SELECT owners.owner, coalesce(one.receiver, '') AS receiver, first.due_since
  FROM owners
  LEFT JOIN LATERAL (
        SELECT r.receiver, r.due_from
          FROM receivers r
         WHERE r.owner = owners.owner AND r.receiver > coalesce(
                   (SELECT seen.receiver
                      FROM unnest(%(owners)s::text[], %(receivers)s::text[]) AS seen (owner, receiver)
                     WHERE seen.owner = owners.owner), '')
         ORDER BY r.owner, r.receiver
         LIMIT %(per_owner)s
       ) one ON true
  LEFT JOIN LATERAL (
        SELECT d.next_attempt_at AS due_since
          FROM deliveries d
         WHERE d.status = 'pending'
           AND d.owner = owners.owner
           AND d.receiver = one.receiver
           AND d.next_attempt_at >= least(one.due_from, now() - interval '30 seconds')
           AND d.next_attempt_at <= now()
         ORDER BY d.owner, d.receiver, d.next_attempt_at
         LIMIT 1
       ) first ON true
 LIMIT %(limit)s
