-- Returns a client with its wallets, all of one snapshot.
-- Index: clients_pkey, wallets_client_currency.
SELECT {{client}}
  FROM (SELECT * FROM clients WHERE id = %(id)s OFFSET 0) c
 CROSS JOIN LATERAL (
        {{wallets_of_client}}
       ) made
 WHERE made.wallets IS NOT NULL
