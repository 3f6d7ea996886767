-- Returns the client that was made with this idempotency key.
-- Index: clients_idempotency_key_key, wallets_client_id_key.
SELECT {{client}}
  FROM (SELECT * FROM clients WHERE idempotency_key = %(idempotency_key)s OFFSET 0) c
 CROSS JOIN LATERAL (SELECT * FROM wallets WHERE client_id = c.id OFFSET 0) w
