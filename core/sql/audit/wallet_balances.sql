-- Promises 8 and 9: a wallet's balance is the sum of its entries, its version their number, and no client's balance is below zero.
SELECT 'wallet' AS kind, w.id,
       'balance ' || w.balance || ', version ' || w.version || '; its entries: sum ' || coalesce(e.total, 0)
       || ', count ' || coalesce(e.entries, 0) AS detail
  FROM wallets w
  LEFT JOIN (SELECT wallet_id, sum(amount) AS total, count(*) AS entries FROM entries GROUP BY wallet_id) e ON e.wallet_id = w.id
 WHERE w.balance <> coalesce(e.total, 0)
    OR w.version <> coalesce(e.entries, 0)
    OR (w.kind = 'client' AND w.balance < 0)
