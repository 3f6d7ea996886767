-- Promise 11: versions are 1..n without a gap, and each balance_after is the one before plus the amount.
-- Reads entries_pkey in order.
SELECT 'wallet' AS kind, wallet_id AS id,
       'entry ' || version || ' has balance ' || balance_after || '; expected entry ' || previous_version + 1
       || ' with balance ' || previous_balance + amount AS detail
  FROM (
        SELECT wallet_id, version, amount, balance_after,
               lag(version, 1, 0::bigint) OVER chain AS previous_version,
               lag(balance_after, 1, 0::bigint) OVER chain AS previous_balance
          FROM entries
        WINDOW chain AS (PARTITION BY wallet_id ORDER BY version)
       ) chained
 WHERE version <> previous_version + 1
    OR balance_after <> previous_balance + amount
