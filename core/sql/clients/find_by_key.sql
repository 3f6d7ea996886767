-- Returns the client that was made with this idempotency key, with its wallets.
-- Index: clients_idempotency_key_key, wallets_client_currency.
SELECT {{client}}
  FROM (SELECT * FROM clients WHERE idempotency_key = %(idempotency_key)s OFFSET 0) c
 CROSS JOIN LATERAL (
        {{wallets_of_client}}
       ) made
 WHERE made.wallets IS NOT NULL
