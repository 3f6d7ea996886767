-- What a wallet has reserved is the sum of what is left of its open holds, and never more than its balance.
-- Reads all wallets and all transfers, by hash join.
SELECT 'wallet' AS kind, w.id,
       'has reserved ' || w.held || ' of its balance of ' || w.balance || '; its open holds sum to ' || coalesce(h.remaining, 0) AS detail
  FROM wallets w
  LEFT JOIN (
        SELECT source, sum(amount - coalesce(captured, 0) - coalesce(returned, 0)) AS remaining
          FROM transfers
         WHERE type = 'hold' AND status = 'applied'
         GROUP BY source
       ) h ON h.source = w.id
 WHERE w.held <> coalesce(h.remaining, 0)
    OR (w.kind = 'client' AND w.held > greatest(w.balance, 0))
