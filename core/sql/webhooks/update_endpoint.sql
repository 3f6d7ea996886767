-- Changes the given fields of an endpoint. NULL leaves a field unchanged, except the description, which may be removed.
-- An endpoint that is disabled already keeps its reason and its time. Enabling it, or a new URL, clears `failing_since`.
-- Locks: the endpoint. Index: webhook_endpoints_pkey.
UPDATE webhook_endpoints
   SET url = coalesce(%(url)s, url),
       events = coalesce(%(events)s::text[], events),
       description = CASE WHEN %(describes)s THEN %(description)s ELSE description END,
       status = coalesce(%(status)s, status),
       disabled_reason = CASE coalesce(%(status)s, status) WHEN 'disabled' THEN coalesce(disabled_reason, 'requested') END,
       disabled_at = CASE coalesce(%(status)s, status) WHEN 'disabled' THEN coalesce(disabled_at, now()) END,
       failing_since = CASE WHEN (%(status)s = 'enabled' AND status = 'disabled') OR %(url)s <> url THEN NULL ELSE failing_since END
 WHERE id = %(id)s AND owner = %(owner)s
RETURNING id, url, events, description, status, disabled_reason, disabled_at, created_at,
          CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
