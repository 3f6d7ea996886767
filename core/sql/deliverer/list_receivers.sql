-- Receivers that may have deliveries pending, by owner, and since when the longest due of each is due, NULL when none is. Owners
-- from a given one on; of those that are named, only receivers after the one beside it, or a row without one when none is left. Of each
-- receiver one index entry of its deliveries is read, whatever waits behind it, and whatever has ended before `due_from`: the entries
-- of what has ended stay for as long as a snapshot is held anywhere. A clock that was set back counts, hence the least. Locks nothing.
-- Leans on receivers_pkey, and on deliveries_due a receiver.
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
