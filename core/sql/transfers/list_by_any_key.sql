-- Returns the transfers that have an idempotency key, of any owners, in the order of the owners.
-- Index: transfers_owner_key, which begins with the key; read as a range, for the reason given in transfers/list_of_wallet.
SELECT {{transfer}}
  FROM (
        SELECT *
          FROM transfers
         WHERE (idempotency_key, owner) > (%(idempotency_key)s, '') AND idempotency_key <= %(idempotency_key)s
         ORDER BY idempotency_key, owner
         LIMIT %(limit)s
       ) t
