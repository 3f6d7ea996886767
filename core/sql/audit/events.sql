-- Every final transfer has its event at its position, and there is no other event.
-- No event has a moment that is still to be given (see core/sql/heal/continue_feed.sql). The feed has exactly one row.
-- Reads all transfers and all events, by hash join.
SELECT 'transfer' AS kind, coalesce(t.id, e.transfer_id) AS id,
       'is ' || coalesce(t.status, 'missing') || coalesce(', at ' || t.moment || '/' || t.ordinal, '')
       || ', and has ' || coalesce('an event at ' || e.moment || '/' || e.ordinal, 'no event') AS detail
  FROM transfers t
  FULL JOIN (
        SELECT moment, ordinal, transfer_id
          FROM events
         CROSS JOIN LATERAL unnest(transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
       ) e ON e.transfer_id = t.id
 WHERE t.id IS NULL
    OR (t.status = 'queued') <> (e.transfer_id IS NULL)
    OR (e.moment, e.ordinal) <> (t.moment, t.ordinal)
UNION ALL
SELECT 'ledger', NULL, 'an event stands where others are still to come: run python -m core migrate'
  FROM feed
 WHERE (SELECT max(moment) FROM events) >= shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
UNION ALL
SELECT 'ledger', NULL, 'the feed has ' || count(*) || ' rows and not one: nothing becomes final'
  FROM feed
HAVING count(*) <> 1
