-- Returns an endpoint of this owner, or of any if none is given.
-- Index: webhook_endpoints_pkey.
SELECT id, url, events, description, status, disabled_reason, disabled_at, created_at,
       CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
  FROM webhook_endpoints
 WHERE id = %(id)s AND (%(owner)s::text IS NULL OR owner = %(owner)s)
