-- Counts what waits in a wallet for a time, up to a limit: scheduled transfers out of it, and open holds of it.
-- Locks nothing. Index: due_wallet, so its cost depends only on the wallet's own rows, and on no more of them than the limit.
SELECT count(*) AS due
  FROM (
        SELECT
          FROM due
         WHERE wallet_id = %(wallet_id)s
         LIMIT %(most)s
       ) counted
