-- Sets what counts against a wallet's limits to the sum of what counts, where it differs, as core/sql/audit/limits.sql says it.
-- Reads all transfers, by hash join. Its transaction has locked the table of shards, so no drain runs.
UPDATE wallets w
   SET debits_today = truth.today, debits_this_month = truth.this_month
  FROM (
        SELECT w.id,
               coalesce(sum(t.counts) FILTER (WHERE t.counted_on = w.counted_day), 0)::bigint AS today,
               coalesce(sum(t.counts) FILTER (WHERE t.counted_on >= month_of(w.counted_day)), 0)::bigint AS this_month
          FROM wallets w
          LEFT JOIN (
                SELECT d.wallet_id AS source, t.finished_at, t.counted_on,
                       CASE WHEN t.wallet_ids IS NULL THEN coalesce(t.moved, t.amount) ELSE -d.amount END
                       - CASE t.type WHEN 'hold' THEN coalesce(t.returned, 0) ELSE 0 END AS counts
                  FROM transfers t
                 CROSS JOIN LATERAL unnest(coalesce(t.wallet_ids, ARRAY[t.source]), coalesce(t.amounts, ARRAY[-t.amount])) d (wallet_id, amount)
                 WHERE t.counted_on IS NOT NULL AND d.amount < 0
               ) t ON t.source = w.id AND t.finished_at >= w.counted_since
         WHERE w.counted_since IS NOT NULL
         GROUP BY w.id
       ) truth
 WHERE truth.id = w.id
   AND (w.debits_today, w.debits_this_month) <> (truth.today, truth.this_month)
