-- Clients with their wallets, newest first, from just below a given one; only that of the external id when one is given.
-- Leans on clients_pkey backwards, or on clients_external_id_key, and on wallets_client_id_key a row: a plan for both would walk through
-- all clients to find the one of an external id.
SELECT {{client}}
  FROM (
        (SELECT * FROM clients WHERE %(external_id)s::text IS NULL AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM clients WHERE external_id = %(external_id)s AND id < %(before)s OFFSET 0)
       ) c
 CROSS JOIN LATERAL (SELECT * FROM wallets WHERE client_id = c.id OFFSET 0) w
 ORDER BY c.id DESC
 LIMIT %(limit)s
