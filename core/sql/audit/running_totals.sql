-- Each running total of a wallet is the sum of its credits up to that version, and the latest time among these entries.
-- Reads entries_pkey in order, and all running totals.
SELECT 'wallet' AS kind, wallet_id AS id, 'the running total of version ' || version || ' is not that of its entries' AS detail
  FROM running_totals r
  LEFT JOIN (
        SELECT wallet_id, version, sum(greatest(amount, 0)) OVER chain AS credits, max(created_at) OVER chain AS latest
          FROM entries
        WINDOW chain AS (PARTITION BY wallet_id ORDER BY version)
       ) chained USING (wallet_id, version)
 WHERE (r.credits, r.latest) IS DISTINCT FROM (chained.credits, chained.latest)
