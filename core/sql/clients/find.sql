-- Returns a client with its wallet, both of one snapshot.
-- Index: clients_pkey, wallets_client_id_key.
SELECT {{client}}
  FROM (SELECT * FROM clients WHERE id = %(id)s OFFSET 0) c
 CROSS JOIN LATERAL (SELECT * FROM wallets WHERE client_id = c.id OFFSET 0) w
