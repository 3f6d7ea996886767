-- Stores the result of an attempt and updates its delivery and its endpoint. Must run in a transaction of its own, because the
-- moment of the transaction becomes the position of a disabled endpoint's event in the feed.
-- The delivery becomes final, or due again later. `failing_since` of the endpoint is the time of its first failed attempt since its
-- last success; a success clears it.
-- The endpoint is disabled if it is gone. It is also disabled if this delivery has used up its attempts and `failing_since` is more
-- than `failing_max_s` ago. So one failure after a long silence does not disable it.
-- Disabling inserts an event into the owner's feed, with the endpoint as it is then and without its secrets, and a fan-out to the
-- owner's other endpoints. An attempt at a URL that the endpoint no longer has changes nothing of it.
-- Only the deliverer with the last claim may store a result. If another has claimed the delivery, or it is canceled, nothing
-- changes and no row is returned.
-- Locks: the delivery, then its endpoint.
-- Index: deliveries_pkey, delivery_attempts_pkey, webhook_endpoints_pkey. IS TRUE keeps the planner from deliveries_due, of which
-- it would read all pending rows.
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
       SET failing_since = change.failing_since,
           status = CASE WHEN change.reason IS NULL THEN e.status ELSE 'disabled' END,
           disabled_reason = coalesce(change.reason, e.disabled_reason),
           disabled_at = CASE WHEN change.reason IS NULL THEN e.disabled_at ELSE now() END
      FROM (
            SELECT old.id,
                   CASE WHEN %(status)s <> 'delivered' THEN coalesce(old.failing_since, %(started_at)s) END AS failing_since,
                   CASE WHEN %(status)s = 'delivered' THEN NULL
                        WHEN %(gone)s THEN 'gone'
                        WHEN %(status)s = 'failed' AND old.failing_since < now() - make_interval(secs => %(failing_max_s)s) THEN 'failing'
                    END AS reason
              FROM (SELECT * FROM webhook_endpoints WHERE id = (SELECT endpoint_id FROM marked) OFFSET 0) old
             WHERE old.status = 'enabled'
           ) change
     WHERE e.id = (SELECT endpoint_id FROM marked)
       AND e.id = change.id
       AND e.status = 'enabled'
       AND e.url = %(url)s
       AND (change.failing_since IS DISTINCT FROM e.failing_since OR change.reason IS NOT NULL)
    RETURNING e.*
), new_event AS (
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
), new_fan_out AS (
    INSERT INTO fan_outs (audience, moment) SELECT 'endpoints', moment FROM new_event
)
SELECT marked.endpoint_id, endpoint.disabled_reason
  FROM marked
  LEFT JOIN endpoint ON endpoint.id = marked.endpoint_id
