-- Sets the balance and the version of a wallet to the sum and the count of its entries, where they differ. Entries never change, so they
-- are what counts. Reads all entries. Nothing is drained while it runs: its transaction holds the shards' table.
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
