-- Returns the place, the transfer and the time of the last event below the feed's horizon: no event is committed later with a place
-- before it. So all events up to this one are a part of the feed that never changes.
-- Locks nothing. Index: events_pkey backwards, transfers_pkey.
SELECT last.moment, last.ordinal, last.transfer_id, t.finished_at
  FROM (
        SELECT moment, cardinality(transfer_ids) AS ordinal, transfer_ids[cardinality(transfer_ids)] AS transfer_id
          FROM events
         WHERE moment < (SELECT feed_horizon())
         ORDER BY moment DESC
         LIMIT 1
       ) last
  LEFT JOIN LATERAL (SELECT finished_at FROM transfers WHERE id = last.transfer_id OFFSET 0) t ON true
