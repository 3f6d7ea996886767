-- Counts what waits in a client's wallets for a time, up to a limit: scheduled transfers out of them, and open holds of them.
-- Locks nothing. Index: wallets_client_currency, due_wallet, so its cost depends only on the client's own rows, and on no more of
-- them than the limit.
SELECT count(*) AS due
  FROM (
        SELECT
          FROM (SELECT id FROM wallets WHERE client_id = %(client_id)s OFFSET 0) w
         CROSS JOIN LATERAL (SELECT FROM due WHERE wallet_id = w.id OFFSET 0) d
         LIMIT %(most)s
       ) counted
