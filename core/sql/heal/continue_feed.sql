-- Raises the feed's shift if the next moment would not be greater than all stored ones.
-- That happens after a restore in another cluster, whose transaction ids are smaller. Searches for fan-outs then start at the
-- beginning again. It changes no event. xmin, because transactions that run now count too.
-- Index: events_pkey, endpoint_events_pkey.
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
