-- Sets the rules of a wallet to those that its history ends with, where they differ. A wallet without history keeps its rules, and one
-- that is not empty stays open: the audit goes on to report both. What counts is summed later, by core/sql/heal/repair_counters.sql.
-- Reads all rows of wallet_changes. Its transaction has locked the table of shards, so no drain runs.
UPDATE wallets w
   SET status = truth.status, frozen = truth.frozen, balance_max = truth.balance_max, debit_max = truth.debit_max,
       debits_per_day_max = truth.debits_per_day_max, debits_per_month_max = truth.debits_per_month_max,
       counted_since = truth.counted_since,
       counted_day = CASE WHEN truth.counted_since IS NOT NULL THEN coalesce(w.counted_day, utc_today()) END,
       debits_today = CASE WHEN truth.counted_since IS NOT NULL THEN coalesce(w.debits_today, 0) END,
       debits_this_month = CASE WHEN truth.counted_since IS NOT NULL THEN coalesce(w.debits_this_month, w.debits_today, 0) END,
       guard = CASE WHEN truth.status = 'closed' OR truth.frozen IS NOT NULL OR truth.counted_since IS NOT NULL
                    THEN ARRAY[w.version, w.held] END
  FROM (
        SELECT w.id, h.after ->> 'status' AS status, h.after ->> 'frozen' AS frozen,
               (h.after #>> '{limits,balance_max}')::bigint AS balance_max,
               (h.after #>> '{limits,debit_max}')::bigint AS debit_max,
               (h.after #>> '{limits,debits_per_day_max}')::bigint AS debits_per_day_max,
               (h.after #>> '{limits,debits_per_month_max}')::bigint AS debits_per_month_max,
               coalesce(w.counted_since, first.limited_at) AS counted_since
          FROM wallets w
          JOIN (SELECT DISTINCT ON (wallet_id) wallet_id, after FROM wallet_changes ORDER BY wallet_id, number DESC) h
            ON h.wallet_id = w.id
          LEFT JOIN (
                SELECT wallet_id, min(changed_at) AS limited_at
                  FROM wallet_changes
                 WHERE jsonb_path_exists(after, '$.limits.* ? (@ != null)')
                 GROUP BY wallet_id
               ) first ON first.wallet_id = w.id
       ) truth
 WHERE truth.id = w.id
   AND (w.status, w.frozen, w.balance_max, w.debit_max, w.debits_per_day_max, w.debits_per_month_max)
       IS DISTINCT FROM (truth.status, truth.frozen, truth.balance_max, truth.debit_max, truth.debits_per_day_max,
                         truth.debits_per_month_max)
   AND (truth.status = 'active' OR (w.balance, w.held) = (0, 0))
