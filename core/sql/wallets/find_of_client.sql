-- Returns the ids of a client's wallets: one a currency.
-- Index: wallets_client_currency.
SELECT id
  FROM wallets
 WHERE client_id = %(client_id)s
