-- Stores another wallet of a client, and returns its id. Stores nothing if the client does not exist or has a wallet of this
-- currency (wallets_client_currency), or if the key is in use: by a client, a wallet (wallets_idempotency_key) or a transfer.
-- Locks: as clients/insert, and in that order: hence the CASE.
INSERT INTO wallets (id, client_id, currency, idempotency_key, fingerprint)
SELECT %(id)s, c.id, %(currency)s, %(idempotency_key)s, %(fingerprint)s
  FROM (SELECT id FROM clients WHERE id = %(client_id)s OFFSET 0) c
 WHERE CASE WHEN %(idempotency_key)s::text IS NULL OR take_client_key(%(idempotency_key)s) THEN make_external_wallets(%(currency)s) END
ON CONFLICT DO NOTHING
RETURNING id
