-- Stores an endpoint, unless it is a client's and that client has as many as it may have.
-- A fan-out step makes a delivery per transfer and endpoint of a client, so that number bounds the step. An operator may have any
-- number:
-- steps for operators take a page of endpoints.
-- A repetition, after a lost connection, changes nothing and returns the same row.
-- Locks: requests of one client wait for each other while its endpoints are counted (core/admin/migrations/0009_one_effect.sql).
-- Index: webhook_endpoints_pkey, webhook_endpoints_owner.
INSERT INTO webhook_endpoints AS e (id, owner, wallet_id, url, events, description, secret)
SELECT %(id)s::uuid, %(owner)s::text, %(wallet_id)s::uuid, %(url)s::text, %(events)s::text[], %(description)s::text, %(secret)s::text
 WHERE %(wallet_id)s::uuid IS NULL
    OR count_endpoints_locked(%(owner)s, %(id)s) < %(client_max)s
ON CONFLICT (id) DO UPDATE SET url = e.url
RETURNING id, url, events, description, status, disabled_reason, disabled_at, created_at, NULL::timestamptz AS old_secret_expires_at
