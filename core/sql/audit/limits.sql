-- What counts against a wallet's limits in its current day, and in its month, is the sum of what it was debited of since it is counted:
-- transfers, withdrawals, and of holds what was not given back. Each of them says that it counts.
-- A hold that is given back in a later window changes that window alone, and the counter is then of that window.
-- Reads all wallets and all transfers, by hash join.
SELECT 'wallet' AS kind, w.id,
       'counts ' || w.debits_today || ' in the day ' || w.counted_day || ', and ' || w.debits_this_month || ' in its month; its transfers sum to '
       || coalesce(t.today, 0) || ' and ' || coalesce(t.this_month, 0) || ', and ' || coalesce(t.missing, 0) || ' do not count' AS detail
  FROM wallets w
  LEFT JOIN (
        SELECT w.id,
               sum(t.counts) FILTER (WHERE t.counted_on = w.counted_day) AS today,
               sum(t.counts) FILTER (WHERE t.counted_on >= month_of(w.counted_day)) AS this_month,
               count(*) FILTER (WHERE t.counted_on IS NULL) AS missing
          FROM wallets w
          JOIN (
                SELECT d.wallet_id AS source, t.finished_at, t.counted_on,
                       CASE WHEN t.wallet_ids IS NULL THEN coalesce(t.moved, t.amount) ELSE -d.amount END
                       - CASE t.type WHEN 'hold' THEN coalesce(t.returned, 0) ELSE 0 END AS counts
                  FROM transfers t
                 CROSS JOIN LATERAL unnest(coalesce(t.wallet_ids, ARRAY[t.source]), coalesce(t.amounts, ARRAY[-t.amount])) d (wallet_id, amount)
                 WHERE t.status = 'applied' AND t.type IN ('transfer', 'withdrawal', 'hold') AND d.amount < 0
               ) t ON t.source = w.id AND t.finished_at >= w.counted_since
         GROUP BY w.id
       ) t ON t.id = w.id
 WHERE w.counted_since IS NOT NULL
   AND (w.debits_today, w.debits_this_month, 0) <> (coalesce(t.today, 0), coalesce(t.this_month, 0), coalesce(t.missing, 0))
