-- Finds what no look finds, whatever the reason: the next receivers after a given one for which deliveries are pending, and which are not
-- noted, or with a bound above the first of them. Each of those is noted, with that bound. Returns all that it came by, in order. Steps
-- from receiver to receiver without any bound, so it reads what has ended too. Locks the rows that it mends. Leans on deliveries_due and
-- receivers_pkey.
WITH RECURSIVE firsts AS (
    (SELECT d.owner, d.receiver, d.next_attempt_at, 1 AS number
       FROM deliveries d
      WHERE d.status = 'pending' AND (d.owner, d.receiver) > (%(owner)s, %(receiver)s)
      ORDER BY d.owner, d.receiver, d.next_attempt_at
      LIMIT 1)
    UNION ALL
    SELECT next.owner, next.receiver, next.next_attempt_at, firsts.number + 1
      FROM firsts
     CROSS JOIN LATERAL (
            SELECT d.owner, d.receiver, d.next_attempt_at
              FROM deliveries d
             WHERE d.status = 'pending' AND (d.owner, d.receiver) > (firsts.owner, firsts.receiver)
             ORDER BY d.owner, d.receiver, d.next_attempt_at
             LIMIT 1
           ) next
     WHERE firsts.number < %(limit)s
), mended AS (
    INSERT INTO receivers (owner, receiver, due_from)
    SELECT f.owner, f.receiver, f.next_attempt_at
      FROM firsts f
     WHERE (SELECT r.due_from <= f.next_attempt_at FROM receivers r WHERE r.owner = f.owner AND r.receiver = f.receiver)
           IS NOT TRUE
    ON CONFLICT (owner, receiver) DO UPDATE SET due_from = excluded.due_from, used_at = now()
)
SELECT owner, receiver FROM firsts ORDER BY number
