-- A wallet's rules are what the newest row of its history says. Its rows are numbered 1..n, and each begins where the one before ended,
-- the first one without rules. A wallet that has rules has the guard without which a drain would not look at them.
-- Reads all wallets and all rows of wallet_changes.
SELECT 'wallet' AS kind, w.id,
       'has the rules ' || s.standing::text || ', and its history ends with ' || coalesce(h.after::text, 'none') AS detail
  FROM wallets w
 CROSS JOIN LATERAL standing_of(w.status, w.frozen, w.balance_max, w.debit_max, w.debits_per_day_max, w.debits_per_month_max,
                                w.version) s (standing)
  LEFT JOIN (SELECT DISTINCT ON (wallet_id) wallet_id, after FROM wallet_changes ORDER BY wallet_id, number DESC) h
    ON h.wallet_id = w.id
 WHERE s.standing <> coalesce(h.after, standing_of('active', NULL, NULL, NULL, NULL, NULL, 0))
UNION ALL
SELECT 'wallet', wallet_id, 'has a change ' || number || ' that does not follow the one before'
  FROM (
        SELECT wallet_id, number, before,
               lag(number, 1, 0) OVER history AS previous,
               lag(after, 1, standing_of('active', NULL, NULL, NULL, NULL, NULL, 0)) OVER history AS ended
          FROM wallet_changes
        WINDOW history AS (PARTITION BY wallet_id ORDER BY number)
       ) chained
 WHERE number <> previous + 1 OR before <> ended
UNION ALL
SELECT 'wallet', id, 'has rules, and the guard ' || coalesce(guard::text, 'NULL') || ' of version ' || version || ' and ' || held || ' reserved'
  FROM wallets
 WHERE (status, frozen IS NULL, counted_since IS NULL) <> ('active', true, true)
   AND guard IS DISTINCT FROM ARRAY[version, held]
