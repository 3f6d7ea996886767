-- A client with its wallet, of one instant. Leans on clients_pkey, wallets_client_id_key.
SELECT c.id, c.name, c.external_id, c.metadata, c.idempotency_key, c.fingerprint, c.created_at,
       w.id AS wallet_id, w.currency, w.balance, w.version, w.status, w.created_at AS wallet_created_at
  FROM (SELECT * FROM clients WHERE id = %(id)s OFFSET 0) c
 CROSS JOIN LATERAL (SELECT * FROM wallets WHERE client_id = c.id OFFSET 0) w
