-- Returns events of the operators' feed after a position, oldest first, each with its transfer or its disabled endpoint.
-- Ends at the horizon of its own snapshot: no event is committed later with a position before one that was returned. An open
-- transaction delays the feed, and the feed skips nothing.
-- Each row of events has at least one event, so it reads `limit` rows and one more: the first row may have been returned in full.
-- Index: events_pkey, endpoint_events_owner; per event transfers_pkey and entries_transfer, or endpoint_events_pkey. OFFSET 0 keeps
-- the planner from hashing all transfers.
SELECT event.moment, event.ordinal, event.id AS event_id, n.endpoint::json, n.created_at AS endpoint_event_at,
       {{transfer}}
  FROM (
        (SELECT event_row.moment, one.ordinal, one.transfer_id AS id, false AS of_endpoint
           FROM (
                 SELECT moment, transfer_ids
                   FROM events
                  WHERE moment >= %(moment)s AND moment < (SELECT feed_horizon())
                  ORDER BY moment
                  LIMIT %(limit)s::bigint + 1
                ) event_row
          CROSS JOIN LATERAL unnest(event_row.transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
          WHERE (event_row.moment, one.ordinal) > (%(moment)s, %(ordinal)s)
          ORDER BY event_row.moment, one.ordinal
          LIMIT %(limit)s)
        UNION ALL
        (SELECT moment, 1, id, true
           FROM endpoint_events
          WHERE owner = 'operator'
            AND moment >= %(moment)s
            AND (SELECT feed_horizon()) > moment
            AND (moment, 1) > (%(moment)s, %(ordinal)s)
          ORDER BY owner, moment
          LIMIT %(limit)s)
        ORDER BY moment, ordinal
        LIMIT %(limit)s
       ) event
  {{subject_of_event}}
