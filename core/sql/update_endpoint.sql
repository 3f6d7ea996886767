-- Changes what is given of an endpoint; NULL leaves as it is, but for the description, which may be taken away. Locks the endpoint
-- alone. Leans on webhook_endpoints_pkey.
UPDATE webhook_endpoints
   SET url = coalesce(%(url)s, url),
       events = coalesce(%(events)s::text[], events),
       status = coalesce(%(status)s, status),
       description = CASE WHEN %(describes)s THEN %(description)s ELSE description END
 WHERE id = %(id)s AND owner = %(owner)s
RETURNING id, url, events, description, status, created_at,
          CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
