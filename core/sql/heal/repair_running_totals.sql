-- Deletes the running totals of each wallet from the first one on that is not that of its entries. The workers add them again.
-- Reads all entries. Its transaction has locked the table of shards, so no drain runs.
DELETE FROM running_totals
 USING (
        SELECT r.wallet_id, min(r.version) AS version
          FROM running_totals r
          LEFT JOIN (
                SELECT wallet_id, version, sum(greatest(amount, 0)) OVER chain AS credits, max(created_at) OVER chain AS latest
                  FROM entries
                WINDOW chain AS (PARTITION BY wallet_id ORDER BY version)
               ) chained USING (wallet_id, version)
         WHERE (r.credits, r.latest) IS DISTINCT FROM (chained.credits, chained.latest)
         GROUP BY r.wallet_id
       ) wrong
 WHERE running_totals.wallet_id = wrong.wallet_id AND running_totals.version >= wrong.version
