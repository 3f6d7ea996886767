-- Deletes deliveries that ended so many days ago or more, the longest ended first, up to a limit, with their attempts. Of one that has
-- very many attempts some are deleted, and it itself by a later step. Begins at the bound, below which nothing is left, because index
-- entries of deleted rows stay for as long as a snapshot is held anywhere; or at the beginning, if it is to read the whole. Moves the
-- bound on, never back. Returns how many it met. Locks the bound, or does nothing where another process has it; and the deliveries,
-- without waiting for those that are just made due again, which stay. Leans on delivery_bounds_pkey, deliveries_ended and
-- delivery_attempts_pkey, and deletes by the places of the rows that it has read.
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
), fewer AS (
    DELETE FROM delivery_attempts WHERE ctid = ANY(ARRAY(SELECT unnest(attempts) FROM whole))
), gone AS (
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
