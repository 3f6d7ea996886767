-- Stores an endpoint. The same one again, after a lost connection, changes nothing and is returned alike. Leans on
-- webhook_endpoints_pkey.
INSERT INTO webhook_endpoints AS e (id, owner, wallet_id, url, events, description, secret)
VALUES (%(id)s, %(owner)s, %(wallet_id)s, %(url)s, %(events)s, %(description)s, %(secret)s)
ON CONFLICT (id) DO UPDATE SET url = e.url
RETURNING id, url, events, description, status, disabled_reason, disabled_at, created_at, NULL::timestamptz AS old_secret_expires_at
