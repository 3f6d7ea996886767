-- Adds running totals of these wallets: one for each 64 entries that have none, for 4096 entries of a wallet at most. Returns the
-- wallets that may have more such entries.
-- Each 64 entries are summed first, and then these sums: a running sum over all entries would take twice the time.
-- Two workers may add the same rows at the same time: they are equal, and the second one leaves them out.
-- Locks nothing. Index: running_totals_pkey and entries_pkey, each as a range per wallet.
WITH added AS (
    INSERT INTO running_totals (wallet_id, version, credits, latest)
    SELECT wanted.id, total.version, total.credits, total.latest
      FROM unnest(%(ids)b::uuid[]) AS wanted (id)
      LEFT JOIN LATERAL (
            SELECT version, credits, latest FROM running_totals WHERE wallet_id = wanted.id ORDER BY version DESC LIMIT 1
           ) last ON true
     CROSS JOIN LATERAL (
            SELECT version,
                   coalesce(last.credits, 0) + sum(credits) OVER (ORDER BY version) AS credits,
                   greatest(last.latest, max(latest) OVER (ORDER BY version)) AS latest
              FROM (
                    SELECT (version + 63) / 64 * 64 AS version, sum(greatest(amount, 0)) AS credits, max(created_at) AS latest
                      FROM (
                            SELECT version, amount, created_at
                              FROM entries
                             WHERE wallet_id = wanted.id AND version > coalesce(last.version, 0)
                             ORDER BY version
                             LIMIT 4096
                           ) entry
                     GROUP BY 1
                    HAVING count(*) = 64
                   ) stretch
           ) total
    ON CONFLICT DO NOTHING
    RETURNING wallet_id
)
SELECT wallet_id FROM added GROUP BY wallet_id HAVING count(*) = 64
