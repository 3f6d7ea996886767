-- Returns an owner's endpoints, newest first, below a given id.
-- Index: webhook_endpoints_owner backwards. Read as a range: with equations the planner may read all endpoints in the order of
-- their ids.
SELECT id, url, events, description, status, disabled_reason, disabled_at, created_at,
       CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
  FROM webhook_endpoints
 WHERE (owner, id) < (%(owner)s, %(before)s) AND owner >= %(owner)s
 ORDER BY owner DESC, id DESC
 LIMIT %(limit)s
