-- Gives an endpoint a new secret. The old one signs too until it expires.
-- A repetition with the same secret, after a lost connection, changes nothing: else the old secret, still in use, would be lost.
-- Locks: the endpoint. Index: webhook_endpoints_pkey.
UPDATE webhook_endpoints
   SET secret = %(secret)s,
       old_secret = CASE WHEN secret = %(secret)s THEN old_secret ELSE secret END,
       old_secret_expires_at = CASE WHEN secret = %(secret)s THEN old_secret_expires_at
                                    ELSE now() + make_interval(secs => %(old_signs_for_s)s) END
 WHERE id = %(id)s AND owner = %(owner)s
RETURNING id, url, events, description, status, disabled_reason, disabled_at, created_at, old_secret_expires_at
