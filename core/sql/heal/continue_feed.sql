-- Moves the moments to come behind those that are stored, if they would lie before them: after a restore in another cluster, whose
-- transactions have smaller ids. Looks for fan-outs then begin at the beginning again. Changes nothing else ever: each event keeps its
-- place. Transactions that run now count, hence xmin. Leans on events_pkey and endpoint_events_pkey.
WITH moved AS (
    UPDATE feed
       SET shift = newest.moment + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      FROM (
            SELECT greatest((SELECT max(moment) FROM events), (SELECT max(moment) FROM endpoint_events)) AS moment
           ) newest
     WHERE newest.moment >= shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    RETURNING shift
)
UPDATE delivery_bounds SET value = -9223372036854775808 WHERE name <> 'ended' AND EXISTS (SELECT FROM moved)
