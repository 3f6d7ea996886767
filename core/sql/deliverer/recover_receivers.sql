-- Finds pending deliveries that the other statements miss, for whatever reason, and inserts or corrects their receivers.
-- A receiver is corrected if it is missing or its bound is above its first pending delivery.
-- Returns all receivers that it has read, in order, after a given one. Reads without bounds, so it also reads entries of ended
-- deliveries.
-- Locks: the rows that it corrects. Index: deliveries_due, receivers_pkey.
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
), corrected AS (
    INSERT INTO receivers (owner, receiver, due_from)
    SELECT f.owner, f.receiver, f.next_attempt_at
      FROM firsts f
     WHERE (SELECT r.due_from <= f.next_attempt_at FROM receivers r WHERE r.owner = f.owner AND r.receiver = f.receiver)
           IS NOT TRUE
    ON CONFLICT (owner, receiver) DO UPDATE SET due_from = excluded.due_from, used_at = now()
)
SELECT owner, receiver FROM firsts ORDER BY number
