-- Deletes deliveries that ended at least `days` days ago, with their attempts, the longest ended first, up to a limit.
-- Of a delivery with very many attempts it deletes some, and a later step the rest and the delivery.
-- Starts at the bound, below which nothing is left: index entries of deleted rows stay as long as any session holds a snapshot.
-- With `whole` it starts at the beginning. Raises the bound; it never falls. Returns how many deliveries it read.
-- Locks: the bound, and does nothing if another process has it. Then the deliveries; those that are being made due again are
-- skipped.
-- Index: delivery_bounds_pkey, deliveries_ended, delivery_attempts_pkey. It deletes by ctid.
WITH bound AS MATERIALIZED (
    SELECT timestamptz 'epoch' + greatest(value, 0) * interval '1 microsecond' AS ended_from
      FROM delivery_bounds
     WHERE name = 'ended'
       FOR UPDATE SKIP LOCKED
), ended AS MATERIALIZED (
    SELECT d.row, d.id, d.finished_at
      FROM bound
     CROSS JOIN LATERAL (
            SELECT ctid AS row, id, finished_at
              FROM deliveries
             WHERE finished_at >= CASE WHEN %(whole)s THEN timestamptz 'epoch' ELSE bound.ended_from END
               AND finished_at < now() - make_interval(days => %(days)s)
             ORDER BY finished_at
             LIMIT %(limit)s
               FOR UPDATE SKIP LOCKED
           ) d
), whole AS MATERIALIZED (
    SELECT e.row, e.finished_at, a.attempts, cardinality(a.attempts) < %(attempts)s AS is_whole
      FROM ended e
     CROSS JOIN LATERAL (
            SELECT ARRAY(
                       SELECT ctid FROM delivery_attempts WHERE delivery_id = e.id ORDER BY delivery_id, number LIMIT %(attempts)s
                   ) AS attempts
           ) a
), deleted_attempts AS (
    DELETE FROM delivery_attempts WHERE ctid = ANY(ARRAY(SELECT unnest(attempts) FROM whole))
), deleted AS (
    DELETE FROM deliveries WHERE ctid = ANY(ARRAY(SELECT row FROM whole WHERE is_whole))
), moved AS (
    UPDATE delivery_bounds
       SET value = next.value
      FROM (
            SELECT (extract(epoch FROM coalesce(min(finished_at) FILTER (WHERE NOT is_whole), max(finished_at))) * 1000000)::bigint AS value
              FROM whole
           ) next
     WHERE name = 'ended' AND delivery_bounds.value < next.value
)
SELECT count(*) FROM ended
