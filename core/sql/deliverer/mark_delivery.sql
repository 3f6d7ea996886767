-- Keeps what became of an attempt, and heeds it: the delivery is done, or due again later; the endpoint has failed for how long, and is
-- disabled when it is gone, or has done nothing else for too long and a delivery is given up on: one failure after a long silence is
-- not that. An endpoint that is disabled by this has an event of its owner's feed, with the endpoint as it is then and without its
-- secrets, and a fan-out to the owner's other endpoints. What was answered at a URL that the endpoint has left says nothing about it.
-- Only for the deliverer that holds the last claim: once another has claimed it, or it has been canceled, this changes nothing and
-- returns no row. To be run in a transaction of its own: the event has its moment. Locks the delivery, then its endpoint. Leans on
-- deliveries_pkey, delivery_attempts_pkey and webhook_endpoints_pkey: IS TRUE keeps the planner from deliveries_due, of which it would
-- read all that is pending.
WITH marked AS (
    UPDATE deliveries
       SET status = %(status)s,
           attempts = attempts + 1,
           failures = failures + CASE WHEN %(status)s = 'delivered' THEN 0 ELSE 1 END,
           next_attempt_at = now() + make_interval(secs => %(retry_in_s)s),
           finished_at = CASE WHEN %(status)s <> 'pending' THEN now() END
     WHERE id = %(id)s AND (status = 'pending') IS TRUE AND next_attempt_at = %(claimed_until)s
    RETURNING id, attempts, endpoint_id
), attempt AS (
    INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_ms, status_code, error)
    SELECT id, attempts, %(started_at)s, %(duration_ms)s, %(status_code)s, %(error)s FROM marked
), endpoint AS (
    UPDATE webhook_endpoints e
       SET failing_since = verdict.failing_since,
           status = CASE WHEN verdict.reason IS NULL THEN e.status ELSE 'disabled' END,
           disabled_reason = coalesce(verdict.reason, e.disabled_reason),
           disabled_at = CASE WHEN verdict.reason IS NULL THEN e.disabled_at ELSE now() END
      FROM (
            SELECT old.id,
                   CASE WHEN %(status)s <> 'delivered' THEN coalesce(old.failing_since, %(started_at)s) END AS failing_since,
                   CASE WHEN %(status)s = 'delivered' THEN NULL
                        WHEN %(gone)s THEN 'gone'
                        WHEN %(status)s = 'failed' AND old.failing_since < now() - make_interval(secs => %(failing_max_s)s) THEN 'failing'
                    END AS reason
              FROM (SELECT * FROM webhook_endpoints WHERE id = (SELECT endpoint_id FROM marked) OFFSET 0) old
             WHERE old.status = 'enabled'
           ) verdict
     WHERE e.id = (SELECT endpoint_id FROM marked)
       AND e.id = verdict.id
       AND e.status = 'enabled'
       AND e.url = %(url)s
       AND (verdict.failing_since IS DISTINCT FROM e.failing_since OR verdict.reason IS NOT NULL)
    RETURNING e.*
), event AS (
    INSERT INTO endpoint_events (owner, endpoint_id, endpoint)
    SELECT owner, id,
           jsonb_build_object(
               'id', id, 'url', url, 'events', events, 'description', description, 'status', status,
               'disabled_reason', disabled_reason, 'disabled_at', disabled_at, 'created_at', created_at,
               'old_secret_expires_at', CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END
           )
      FROM endpoint
     WHERE status = 'disabled'
    RETURNING moment
), fan_out AS (
    INSERT INTO fan_outs (audience, moment) SELECT 'endpoints', moment FROM event
)
SELECT marked.endpoint_id, endpoint.disabled_reason
  FROM marked
  LEFT JOIN endpoint ON endpoint.id = marked.endpoint_id
