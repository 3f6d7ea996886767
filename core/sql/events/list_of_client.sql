-- Returns events of a client's feed after a position, oldest first: of its wallets' transfers and of its disabled endpoints.
-- Ends at the horizon, as events/list does.
-- The wallets are those of the statement's own snapshot: an event in a wallet that was made a moment ago is not missed.
-- First reads a window of the whole feed. That is enough near the feed's end, or for a client with many of its events. If not, it
-- reads all of the client's own transfers, so that the transfers of others cost nothing. The second way has no bound for a client
-- with a long history and a small part of the feed.
-- Index: wallets_client_currency, events_pkey, endpoint_events_owner, and transfers_pkey per event of the window; or
-- transfers_source, transfers_destination, and parties_pkey with transfers_pkey per row of it; per event entries_transfer or
-- endpoint_events_pkey. OFFSET 0 keeps the planner from hashing all transfers.
WITH own AS MATERIALIZED (
    SELECT ARRAY(SELECT id FROM wallets WHERE client_id = %(client_id)s OFFSET 0) AS ids
), window_events AS (
    SELECT event_row.moment, one.ordinal, one.transfer_id
      FROM (
            SELECT moment, transfer_ids
              FROM events
             WHERE moment >= %(moment)s AND moment < (SELECT feed_horizon())
             ORDER BY moment
             LIMIT %(window)s::bigint + 1
           ) event_row
     CROSS JOIN LATERAL unnest(event_row.transfer_ids) WITH ORDINALITY AS one (transfer_id, ordinal)
     WHERE (event_row.moment, one.ordinal) > (%(moment)s, %(ordinal)s)
     ORDER BY event_row.moment, one.ordinal
     LIMIT %(window)s
), window_matches AS (
    SELECT window_events.moment, window_events.ordinal, window_events.transfer_id
      FROM window_events
     CROSS JOIN LATERAL (SELECT source, destination, wallet_ids FROM transfers WHERE id = window_events.transfer_id OFFSET 0) t
     WHERE {{parties}} && (SELECT ids FROM own)::uuid[]
     ORDER BY window_events.moment, window_events.ordinal
     LIMIT %(limit)s
), window_result AS (
    SELECT (SELECT count(*) FROM window_matches) = %(limit)s OR (SELECT count(*) FROM window_events) < %(window)s AS is_enough
), event AS (
    SELECT moment, ordinal, transfer_id AS id, false AS of_endpoint FROM window_matches WHERE (SELECT is_enough FROM window_result)
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
    SELECT t.moment, t.ordinal, t.id, false
      FROM unnest((SELECT ids FROM own)) AS w (id)
     CROSS JOIN LATERAL (
            SELECT moment, ordinal, id FROM transfers WHERE source = w.id
            UNION ALL
            SELECT moment, ordinal, id FROM transfers WHERE destination = w.id
            UNION ALL
            SELECT party_of.moment, party_of.ordinal, party_of.id
              FROM parties
             CROSS JOIN LATERAL (SELECT id, moment, ordinal FROM transfers WHERE id = parties.transfer_id OFFSET 0) party_of
             WHERE parties.wallet_id = w.id
           ) t
     WHERE (t.moment, t.ordinal) > (%(moment)s, %(ordinal)s)
       AND t.moment < (SELECT feed_horizon())
       AND NOT (SELECT is_enough FROM window_result)
     ORDER BY moment, ordinal
     LIMIT %(limit)s
)
SELECT event.moment, event.ordinal, event.id AS event_id, n.endpoint::json, n.created_at AS endpoint_event_at,
       {{transfer}}
  FROM event
  {{subject_of_event}}
