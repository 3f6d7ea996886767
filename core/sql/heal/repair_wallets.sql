-- Sets a wallet's balance and version to the sum and the number of its entries, and what it has reserved to the sum of its open
-- holds, where they differ.
-- Entries never change, so they are the truth. Reads all entries and all transfers. Its transaction has locked the table of shards, so
-- no drain runs.
UPDATE wallets w
   SET balance = truth.balance, version = truth.version, held = truth.held,
       guard = CASE WHEN w.guard IS NOT NULL THEN ARRAY[truth.version, truth.held] END
  FROM (
        SELECT w.id, coalesce(e.balance, 0) AS balance, coalesce(e.version, 0) AS version, coalesce(h.held, 0) AS held
          FROM wallets w
          LEFT JOIN (SELECT wallet_id, sum(amount)::bigint AS balance, count(*) AS version FROM entries GROUP BY wallet_id) e
            ON e.wallet_id = w.id
          LEFT JOIN (
                SELECT source, sum(amount - coalesce(captured, 0) - coalesce(returned, 0))::bigint AS held
                  FROM transfers
                 WHERE type = 'hold' AND status = 'applied'
                 GROUP BY source
               ) h ON h.source = w.id
       ) truth
 WHERE truth.id = w.id
   AND (w.balance, w.version, w.held) <> (truth.balance, truth.version, truth.held)
