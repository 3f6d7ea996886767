-- An owner's endpoints, newest first, from just below a given one. Leans on webhook_endpoints_owner backwards.
SELECT id, url, events, description, status, disabled_reason, disabled_at, created_at,
       CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
  FROM webhook_endpoints
 WHERE owner = %(owner)s AND id < %(before)s
 ORDER BY id DESC
 LIMIT %(limit)s
