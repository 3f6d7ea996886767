-- Returns an endpoint's deliveries of these statuses with their attempts, newest first, below a given id.
-- Each status is a range of the index, so a rare one is found without reading the others. With equations the planner would read all
-- deliveries in the order of their ids. The event of another endpoint has no transfer.
-- Index: deliveries_endpoint; per row delivery_attempts_pkey and endpoint_events_id.
SELECT d.id, d.owner, d.transfer_id AS event_id,
       (SELECT d.transfer_id WHERE NOT EXISTS (SELECT FROM endpoint_events n WHERE n.id = d.transfer_id)) AS transfer_id,
       d.endpoint_id, NULL::text AS callback_url, d.status, d.next_attempt_at, d.created_at, d.finished_at,
       ARRAY(SELECT json_build_array(a.number, a.started_at, a.duration_ms, a.status_code, a.error)
               FROM delivery_attempts a WHERE a.delivery_id = d.id ORDER BY a.number DESC LIMIT %(attempts)s) AS attempts
  FROM (
        SELECT one.*
          FROM unnest(%(statuses)s::text[]) AS wanted (status)
         CROSS JOIN LATERAL (
                SELECT *
                  FROM deliveries
                 WHERE (endpoint_id, status, id) < (%(endpoint_id)s, wanted.status, %(before)s)
                   AND (endpoint_id, status) >= (%(endpoint_id)s, wanted.status)
                   AND endpoint_id IS NOT NULL
                 ORDER BY endpoint_id DESC, status DESC, id DESC
                 LIMIT %(limit)s
               ) one
         ORDER BY one.id DESC
         LIMIT %(limit)s
       ) d
 ORDER BY d.id DESC
