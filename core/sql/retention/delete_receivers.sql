-- Deletes receivers without a pending delivery that were not used for an hour, the longest unused first, up to a limit.
-- One with a pending delivery is marked as used instead. Returns a row for each receiver that it read.
-- Locks: the receivers. Locked ones are skipped: they are being marked as used.
-- Index: receivers_used, receivers_pkey, and deliveries_due per receiver.
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
), still_used AS (
    UPDATE receivers SET used_at = now() WHERE ctid = ANY(ARRAY(SELECT row FROM judged WHERE is_used))
), deleted AS (
    DELETE FROM receivers WHERE ctid = ANY(ARRAY(SELECT row FROM judged WHERE NOT is_used))
)
SELECT owner, receiver FROM judged
