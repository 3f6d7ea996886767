-- The event that each segment of the checkpoint ends with is still there.
-- Index: events_pkey per segment.
SELECT 'ledger' AS kind, NULL::uuid AS id, 'the event at ' || wanted.moment || ', which ends a segment of the checkpoint, is gone' AS detail
  FROM unnest(%(ends)s::bigint[]) AS wanted (moment)
 WHERE NOT EXISTS (SELECT FROM events WHERE moment = wanted.moment)
UNION ALL
SELECT 'transfer', wanted.id, 'had the last event of the checkpoint, at ' || wanted.moment || '/' || wanted.ordinal || ', and has it no longer'
  FROM unnest(%(last_ids)s::uuid[], %(last_moments)s::bigint[], %(last_ordinals)s::integer[]) AS wanted (id, moment, ordinal)
 WHERE NOT EXISTS (SELECT FROM events WHERE moment = wanted.moment AND transfer_ids[wanted.ordinal] = wanted.id)
