-- Sets a wallet's balance and version to the sum and the number of its entries, where they differ.
-- Entries never change, so they are the truth. Reads all entries. Its transaction has locked the table of shards, so no drain runs.
UPDATE wallets w
   SET balance = truth.balance, version = truth.version
  FROM (
        SELECT w.id, coalesce(e.balance, 0) AS balance, coalesce(e.version, 0) AS version
          FROM wallets w
          LEFT JOIN (SELECT wallet_id, sum(amount)::bigint AS balance, count(*) AS version FROM entries GROUP BY wallet_id) e
            ON e.wallet_id = w.id
       ) truth
 WHERE truth.id = w.id
   AND (w.balance, w.version) <> (truth.balance, truth.version)
