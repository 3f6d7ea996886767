-- Stores a client with its first wallet, or nothing if its key or its external id is in use.
-- A key is in use if a client has it (clients_idempotency_key_key), a wallet (wallets_idempotency_key) or a transfer
-- (transfers_owner_key). The external id is checked by clients_external_id_key.
-- Locks: the key among the transfers' keys until the transaction ends. It waits for a transfer with the same key whose INSERT is in
-- progress (core/admin/migrations/0009_one_effect.sql). The first wallet of a currency makes the external wallets of that currency,
-- and waits for another transaction that does so.
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
     WHERE make_external_wallets(%(currency)s)
    RETURNING *
)
SELECT {{client}}
  FROM client c
 CROSS JOIN LATERAL (
        SELECT json_agg(one) AS wallets FROM (SELECT {{wallet}} FROM wallet w) one
       ) made
