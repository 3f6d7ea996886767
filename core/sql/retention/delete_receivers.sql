-- Deletes receivers that nothing was made due to for an hour and that have nothing pending, the longest unused first, up to a limit; of
-- those that have, notes that they are used. Returns a row for each that it met. Locks them, without waiting for those that are just
-- noted again. Leans on receivers_used and receivers_pkey, and on deliveries_due a receiver.
WITH old AS MATERIALIZED (
    SELECT ctid AS row, owner, receiver, due_from
      FROM receivers
     WHERE used_at < now() - interval '1 hour'
     ORDER BY used_at
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), judged AS MATERIALIZED (
    SELECT o.row, o.owner, o.receiver, EXISTS (
               SELECT
                 FROM deliveries d
                WHERE d.status = 'pending'
                  AND d.owner = o.owner
                  AND d.receiver = o.receiver
                  AND d.next_attempt_at >= least(o.due_from, now() - interval '30 seconds')
           ) AS is_used
      FROM old o
), kept AS (
    UPDATE receivers SET used_at = now() WHERE ctid = ANY(ARRAY(SELECT row FROM judged WHERE is_used))
), gone AS (
    DELETE FROM receivers WHERE ctid = ANY(ARRAY(SELECT row FROM judged WHERE NOT is_used))
)
SELECT owner, receiver FROM judged
