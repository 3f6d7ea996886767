-- Stores a client with its wallet, or nothing: when the key or the external id is in use (clients_idempotency_key_key,
-- clients_external_id_key), or the key belongs to a transfer (transfers_owner_key). Takes the key among the transfers' as well until it
-- ends, and waits for a transfer with the same key that is being inserted (core/admin/migrations/0009_one_effect.sql).
WITH client AS (
    INSERT INTO clients (id, name, external_id, metadata, idempotency_key, fingerprint)
    SELECT %(id)s, %(name)s, %(external_id)s, %(metadata)s::text::jsonb, %(idempotency_key)s, %(fingerprint)s
     WHERE %(idempotency_key)s::text IS NULL OR take_client_key(%(idempotency_key)s)
    ON CONFLICT DO NOTHING
    RETURNING *
), wallet AS (
    INSERT INTO wallets (id, client_id, currency)
    SELECT %(wallet_id)s, client.id, %(currency)s
      FROM client
    RETURNING *
)
SELECT {{client}}
  FROM client c
  JOIN wallet w ON w.client_id = c.id
