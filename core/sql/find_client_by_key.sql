-- The client that was made with this key. Leans on clients_idempotency_key_key, wallets_client_id_key.
SELECT c.id, c.name, c.external_id, c.metadata, c.idempotency_key, c.fingerprint, c.created_at,
       w.id AS wallet_id, w.currency, w.balance, w.version, w.status, w.created_at AS wallet_created_at
  FROM (SELECT * FROM clients WHERE idempotency_key = %(idempotency_key)s OFFSET 0) c
 CROSS JOIN LATERAL (SELECT * FROM wallets WHERE client_id = c.id OFFSET 0) w
