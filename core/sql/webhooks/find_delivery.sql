-- Returns a delivery of this owner, or of any if none is given, with its attempts.
-- Index: deliveries_pkey, transfers_pkey, delivery_attempts_pkey.
SELECT d.id, d.owner, d.transfer_id AS event_id, t.id AS transfer_id, d.endpoint_id,
       CASE WHEN d.endpoint_id IS NULL THEN t.callback_url END AS callback_url, d.status, d.next_attempt_at, d.created_at, d.finished_at,
       ARRAY(SELECT json_build_array(a.number, a.started_at, a.duration_ms, a.status_code, a.error)
               FROM delivery_attempts a WHERE a.delivery_id = d.id ORDER BY a.number DESC LIMIT %(attempts)s) AS attempts
  FROM (SELECT * FROM deliveries WHERE id = %(id)s OFFSET 0) d
  LEFT JOIN LATERAL (SELECT id, callback_url FROM transfers WHERE id = d.transfer_id OFFSET 0) t ON true
 WHERE (%(owner)s::text IS NULL OR d.owner = %(owner)s)
