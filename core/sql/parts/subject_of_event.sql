-- Joins each row of `event` to what it is about: its transfer `t`, or its disabled endpoint `n`. Orders the rows as the feed does.
-- Leaves out an event without its transfer. OFFSET 0 keeps the planner from hashing all transfers.
-- Index, per event: transfers_pkey, or endpoint_events_pkey.
LEFT JOIN LATERAL (SELECT * FROM transfers WHERE id = event.id AND NOT event.of_endpoint OFFSET 0) t ON true
  LEFT JOIN LATERAL (SELECT endpoint, created_at FROM endpoint_events WHERE moment = event.moment AND event.of_endpoint OFFSET 0) n ON true
 WHERE t.id IS NOT NULL OR event.of_endpoint
 ORDER BY event.moment, event.ordinal
