-- The events of a client's feed after a place, oldest first: of the transfers that its wallet is a party to, and of its endpoints that
-- were disabled. As in events/list, up to the horizon. First a window of the feed is searched: enough for a wallet that has its part in
-- it, or is near its end. Else all of the wallet's own transfers are, so that what others did since costs nothing. Leans on events_pkey
-- and endpoint_events_owner, and on transfers_pkey an event of the window; or on transfers_source and transfers_destination; and on
-- entries_transfer or endpoint_events_pkey an event. What is not bounded: the history of a wallet that has a long one and yet a small
-- part in the feed. OFFSET 0 keeps the planner from hashing all transfers.
WITH near AS (
    SELECT told.moment, one.ordinal, one.transfer_id
      FROM (
            SELECT moment, transfer_ids
              FROM events
             WHERE moment >= %(moment)s AND moment < (SELECT feed_horizon())
             ORDER BY moment
             LIMIT %(window)s::bigint + 1
           ) told
     CROSS JOIN LATERAL unnest(told.transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
     WHERE (told.moment, one.ordinal) > (%(moment)s, %(ordinal)s)
     ORDER BY told.moment, one.ordinal
     LIMIT %(window)s
), found AS (
    SELECT near.moment, near.ordinal, near.transfer_id
      FROM near
     CROSS JOIN LATERAL (SELECT source, destination FROM transfers WHERE id = near.transfer_id OFFSET 0) t
     WHERE %(wallet_id)s IN (t.source, t.destination)
     ORDER BY near.moment, near.ordinal
     LIMIT %(limit)s
), outcome AS (
    SELECT (SELECT count(*) FROM found) = %(limit)s OR (SELECT count(*) FROM near) < %(window)s AS is_enough
), event AS (
    SELECT moment, ordinal, transfer_id AS id, false AS of_endpoint FROM found WHERE (SELECT is_enough FROM outcome)
    UNION ALL
    (SELECT moment, 1, id, true
       FROM endpoint_events
      WHERE owner = %(owner)s
        AND moment >= %(moment)s
        AND moment < (SELECT feed_horizon())
        AND (moment, 1) > (%(moment)s, %(ordinal)s)
      ORDER BY owner, moment
      LIMIT %(limit)s)
    UNION ALL
    SELECT moment, ordinal, id, false
      FROM transfers
     WHERE source = %(wallet_id)s
       AND (moment, ordinal) > (%(moment)s, %(ordinal)s)
       AND moment < (SELECT feed_horizon())
       AND NOT (SELECT is_enough FROM outcome)
    UNION ALL
    SELECT moment, ordinal, id, false
      FROM transfers
     WHERE destination = %(wallet_id)s
       AND (moment, ordinal) > (%(moment)s, %(ordinal)s)
       AND moment < (SELECT feed_horizon())
       AND NOT (SELECT is_enough FROM outcome)
     ORDER BY moment, ordinal
     LIMIT %(limit)s
)
SELECT event.moment, event.ordinal, event.id AS event_id, n.endpoint::json, n.created_at AS endpoint_event_at,
       {{transfer}}
  FROM event
  LEFT JOIN LATERAL (SELECT * FROM transfers WHERE id = event.id AND NOT event.of_endpoint OFFSET 0) t ON true
  LEFT JOIN LATERAL (SELECT endpoint, created_at FROM endpoint_events WHERE moment = event.moment AND event.of_endpoint OFFSET 0) n ON true
 WHERE t.id IS NOT NULL OR event.of_endpoint
 ORDER BY event.moment, event.ordinal
