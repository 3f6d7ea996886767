-- An owner's endpoints, newest first, from just below a given one. Leans on webhook_endpoints_owner backwards;
-- written as a range, because of equations the planner may make a walk through all endpoints in the order of their ids.
SELECT id, url, events, description, status, disabled_reason, disabled_at, created_at,
       CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
  FROM webhook_endpoints
 WHERE (owner, id) < (%(owner)s, %(before)s) AND owner >= %(owner)s
 ORDER BY owner DESC, id DESC
 LIMIT %(limit)s
