-- Who has deliveries pending: of each owner its receivers, and since when the longest due of each is due, NULL when none is yet. Owners
-- from a given one on; of those that are named, only receivers after the one beside it, or a row without one when none is left. Steps
-- from receiver to receiver, over whatever waits behind the first of each, so a million for one receiver cost no more than one. Locks
-- nothing. Leans on deliveries_due.
WITH RECURSIVE owners AS (
    (SELECT owner FROM deliveries WHERE status = 'pending' AND owner >= %(from_owner)s ORDER BY owner LIMIT 1)
    UNION ALL
    SELECT next.owner
      FROM owners
     CROSS JOIN LATERAL (
            SELECT d.owner FROM deliveries d WHERE d.status = 'pending' AND d.owner > owners.owner ORDER BY d.owner LIMIT 1
           ) next
)
SELECT owners.owner, coalesce(first.receiver, '') AS receiver,
       CASE WHEN first.next_attempt_at <= now() THEN first.next_attempt_at END AS due_since
  FROM owners
 LEFT JOIN LATERAL (
        WITH RECURSIVE firsts AS (
            (SELECT d.receiver, d.next_attempt_at
               FROM deliveries d
              WHERE d.status = 'pending' AND d.owner = owners.owner AND d.receiver > coalesce(
                        (SELECT seen.receiver
                           FROM unnest(%(owners)s::text[], %(receivers)s::text[]) AS seen (owner, receiver)
                          WHERE seen.owner = owners.owner), '')
              ORDER BY d.receiver, d.next_attempt_at
              LIMIT 1)
            UNION ALL
            SELECT next.receiver, next.next_attempt_at
              FROM firsts
             CROSS JOIN LATERAL (
                    SELECT d.receiver, d.next_attempt_at
                      FROM deliveries d
                     WHERE d.status = 'pending' AND d.owner = owners.owner AND d.receiver > firsts.receiver
                     ORDER BY d.receiver, d.next_attempt_at
                     LIMIT 1
                   ) next
        )
        SELECT receiver, next_attempt_at FROM firsts LIMIT %(per_owner)s
       ) first ON true
 LIMIT %(limit)s
