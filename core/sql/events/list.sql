-- The events of the operators' feed after a place, oldest first: each with its transfer, or with the endpoint that was disabled. Ends at
-- the horizon: an event that is committed later never stands before one that has been shown, and a transaction that is held open delays
-- the feed and never makes it skip. The horizon is of the statement's own snapshot. Leans on events_pkey and endpoint_events_owner, and
-- on transfers_pkey and entries_transfer, or endpoint_events_pkey, an event. Each row of events holds at least one event, so as many rows
-- are read as events are asked for, and one more: the transfers of the first may all have been shown. OFFSET 0 keeps the planner from
-- hashing all transfers.
SELECT event.moment, event.ordinal, event.id AS event_id, n.endpoint::json, n.created_at AS endpoint_event_at,
       {{transfer}}
  FROM (
        (SELECT told.moment, one.ordinal, one.transfer_id AS id, false AS of_endpoint
           FROM (
                 SELECT moment, transfer_ids
                   FROM events
                  WHERE moment >= %(moment)s AND moment < (SELECT feed_horizon())
                  ORDER BY moment
                  LIMIT %(limit)s::bigint + 1
                ) told
          CROSS JOIN LATERAL unnest(told.transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
          WHERE (told.moment, one.ordinal) > (%(moment)s, %(ordinal)s)
          ORDER BY told.moment, one.ordinal
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
  LEFT JOIN LATERAL (SELECT * FROM transfers WHERE id = event.id AND NOT event.of_endpoint OFFSET 0) t ON true
  LEFT JOIN LATERAL (SELECT endpoint, created_at FROM endpoint_events WHERE moment = event.moment AND event.of_endpoint OFFSET 0) n ON true
 WHERE t.id IS NOT NULL OR event.of_endpoint
 ORDER BY event.moment, event.ordinal
