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
                SELECT source, finished_at, counted_on,
                       coalesce(moved, amount) - CASE type WHEN 'hold' THEN coalesce(returned, 0) ELSE 0 END AS counts
                  FROM transfers
                 WHERE counted_on IS NOT NULL
               ) t ON t.source = w.id AND t.finished_at >= w.counted_since
         WHERE w.counted_since IS NOT NULL
         GROUP BY w.id
       ) truth
 WHERE truth.id = w.id
   AND (w.debits_today, w.debits_this_month) <> (truth.today, truth.this_month)
