-- Every final transfer has its event, at its place and in its shard, and nothing else has one. And none stands where events are still to
-- come (see core/sql/continue_feed.sql). Reads all transfers and all events, by hash join.
SELECT 'transfer' AS kind, coalesce(t.id, e.transfer_id) AS id,
       'is ' || coalesce(t.status || ' in shard ' || t.shard, 'missing') || coalesce(', at ' || t.moment || '/' || t.ordinal, '')
       || ', and has ' || coalesce('an event in shard ' || e.shard || ' at ' || e.moment || '/' || e.ordinal, 'no event') AS detail
  FROM transfers t
  FULL JOIN events e ON e.transfer_id = t.id
 WHERE t.id IS NULL
    OR (t.status = 'queued') <> (e.transfer_id IS NULL)
    OR (e.moment, e.ordinal, e.shard) <> (t.moment, t.ordinal, t.shard)
UNION ALL
SELECT 'ledger', NULL, 'an event stands where others are still to come: run python -m core migrate'
  FROM feed
 WHERE (SELECT max(moment) FROM events) >= shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
