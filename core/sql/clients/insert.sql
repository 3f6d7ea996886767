-- Stores a client with its wallet, or nothing if its key or its external id is in use.
-- A key is in use if a client has it (clients_idempotency_key_key) or a transfer (transfers_owner_key).
-- The external id is checked by clients_external_id_key.
-- Locks: the key among the transfers' keys until the transaction ends. It waits for a transfer with the same key whose INSERT is in
-- progress (core/admin/migrations/0009_one_effect.sql).
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
