-- Returns a wallet with its entries of a period, as versions: those above `begins` and up to `ends`. NULL as a time is no bound. All
-- is of one snapshot. `through` is the last version that counts; NULL: all count.
-- The cut at a time is found by halving: bit by bit from the highest, a version is added while the entry there is older than the
-- time. Which entries it looks at depends on the time alone, and not on how many there are. So a cut stays where it is when entries
-- are added, also where the clock was set back once, and a later time never has an earlier cut. The two times share their looks until
-- they part.
-- `is_settled`: no entry can be added below the cut at `until` any more. The time has passed by 15 s. And either an entry stands above
-- the cut, as versions have no gap, or no drain has the wallet locked: its row would name the drain's transaction, which still runs.
-- Locks nothing. Index: wallets_pkey, and entries_pkey per look: two for each bit of the wallet's version at most.
WITH RECURSIVE wallet AS (
    SELECT id, currency, version,
           coalesce(%(since)s::timestamptz, '-infinity') AS since, coalesce(%(until)s::timestamptz, 'infinity') AS until,
           (SELECT coalesce(max(1::bigint << bit), 0) FROM generate_series(0, 61) bit WHERE 1::bigint << bit <= version) AS top,
           EXISTS (SELECT
                     FROM pg_snapshot_xip(pg_current_snapshot()) running
                    WHERE running::text::bigint & 4294967295 = w.xmax::text::bigint) AS is_locked
      FROM wallets w
     WHERE id = %(wallet_id)s
), cut (bit, begins, ends) AS (
    SELECT top, 0::bigint, 0::bigint FROM wallet
    UNION ALL
    SELECT cut.bit / 2,
           cut.begins + CASE WHEN below.created_at < wallet.since THEN cut.bit ELSE 0 END,
           cut.ends + CASE WHEN CASE WHEN cut.begins = cut.ends THEN below.created_at ELSE above.created_at END < wallet.until
                           THEN cut.bit ELSE 0 END
      FROM cut
     CROSS JOIN wallet
      LEFT JOIN LATERAL (
            SELECT created_at
              FROM entries
             WHERE wallet_id = wallet.id
               AND version = cut.begins + cut.bit
               AND cut.begins + cut.bit <= wallet.version
            OFFSET 0
           ) below ON true
      LEFT JOIN LATERAL (
            SELECT created_at
              FROM entries
             WHERE wallet_id = wallet.id
               AND version = cut.ends + cut.bit
               AND cut.ends + cut.bit <= wallet.version
               AND cut.begins <> cut.ends
            OFFSET 0
           ) above ON true
     WHERE cut.bit > 0
)
SELECT wallet.id AS wallet_id, wallet.currency, period.begins, period.ends,
       coalesce(opening.balance_after, 0) AS opening, coalesce(closing.balance_after, 0) AS closing,
       wallet.until < now() - interval '15 seconds'
       AND (period.cut < wallet.version OR NOT wallet.is_locked)
       AND period.cut = period.ends AS is_settled
  FROM wallet
 CROSS JOIN LATERAL (
        SELECT begins, greatest(begins, least(ends, %(through)s::bigint)) AS ends, ends AS cut FROM cut WHERE bit = 0 OFFSET 0
       ) period
  LEFT JOIN LATERAL (
        SELECT balance_after FROM entries WHERE wallet_id = wallet.id AND version = period.begins OFFSET 0
       ) opening ON true
  LEFT JOIN LATERAL (
        SELECT balance_after FROM entries WHERE wallet_id = wallet.id AND version = period.ends OFFSET 0
       ) closing ON true
