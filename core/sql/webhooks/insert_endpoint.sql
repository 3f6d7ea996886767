-- Stores an endpoint, unless it is a client's that has as many as a client may have: a step that makes deliveries makes one for each of
-- them and each transfer, so their number bounds the step. An operator has any number: its deliveries are made page by page, by steps of a
-- bounded number of rows. A drain writes one row for all endpoints. Requests of one client at once wait for each other: its endpoints are
-- counted under a lock (core/admin/migrations/0009_one_effect.sql). The same one again, after a lost connection, changes nothing and is
-- returned alike. Leans on webhook_endpoints_pkey and webhook_endpoints_owner.
INSERT INTO webhook_endpoints AS e (id, owner, wallet_id, url, events, description, secret)
SELECT %(id)s::uuid, %(owner)s::text, %(wallet_id)s::uuid, %(url)s::text, %(events)s::text[], %(description)s::text, %(secret)s::text
 WHERE %(wallet_id)s::uuid IS NULL
    OR count_endpoints_locked(%(owner)s, %(id)s) < %(client_max)s
ON CONFLICT (id) DO UPDATE SET url = e.url
RETURNING id, url, events, description, status, disabled_reason, disabled_at, created_at, NULL::timestamptz AS old_secret_expires_at
