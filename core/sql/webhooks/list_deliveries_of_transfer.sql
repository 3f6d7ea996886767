-- Returns the deliveries of a transfer with their attempts, newest first, below a given id: those of this owner, or of all if none
-- is given; of one status if one is given.
-- Reads only the newest attempts: a delivery that was redelivered many times has many.
-- Index: deliveries_target, transfers_pkey, and delivery_attempts_pkey per row.
SELECT d.id, d.owner, d.transfer_id AS event_id, d.transfer_id, d.endpoint_id,
       CASE WHEN d.endpoint_id IS NULL THEN t.callback_url END AS callback_url, d.status, d.next_attempt_at, d.created_at, d.finished_at,
       ARRAY(SELECT json_build_array(a.number, a.started_at, a.duration_ms, a.status_code, a.error)
               FROM delivery_attempts a WHERE a.delivery_id = d.id ORDER BY a.number DESC LIMIT %(attempts)s) AS attempts
  FROM (SELECT * FROM deliveries WHERE transfer_id = %(transfer_id)s OFFSET 0) d
 CROSS JOIN LATERAL (SELECT callback_url FROM transfers WHERE id = d.transfer_id OFFSET 0) t
 WHERE (%(owner)s::text IS NULL OR d.owner = %(owner)s)
   AND d.id < %(before)s
   AND (%(status)s::text IS NULL OR d.status = %(status)s)
 ORDER BY d.id DESC
 LIMIT %(limit)s
