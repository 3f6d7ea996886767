-- Each event that came later has a final transfer, which has this place in the feed and no other.
-- Index: events_pkey, transfers_pkey per event.
SELECT 'transfer' AS kind, one.transfer_id AS id,
       'has an event at ' || v.moment || '/' || one.ordinal || ', and is ' || coalesce(t.status, 'missing')
       || coalesce(', at ' || t.moment || '/' || t.ordinal, '') AS detail
  FROM (SELECT moment, transfer_ids FROM events WHERE moment >= %(before)s OFFSET 0) v
 CROSS JOIN LATERAL unnest(v.transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
  LEFT JOIN LATERAL (SELECT status, moment, ordinal FROM transfers WHERE id = one.transfer_id OFFSET 0) t ON true
 WHERE ((t.moment, t.ordinal) = (v.moment, one.ordinal) AND t.status <> 'queued') IS NOT TRUE
