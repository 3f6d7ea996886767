-- Moves the moments to come behind those that are stored, if they would lie before them: after a restore in another cluster, whose
-- transactions have smaller ids. Changes nothing else ever: everybody's place stays. Those who run now count, hence xmin. Leans on
-- events_pkey.
UPDATE feed
   SET shift = newest.moment + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  FROM (SELECT max(moment) AS moment FROM events) newest
 WHERE newest.moment >= shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
