-- Returns a wallet with its entries of a period, as versions: those above `begins` and up to `ends`; the balances there; the credits
-- among these entries; and whether no entry will be added to them. NULL as a time is no bound. `through` is the last version that
-- counts; NULL: all count. All is of one snapshot.
-- A cut stands before the first entry that is not older than the time. A clock that is set back later moves no cut behind which an
-- entry stands, and a later time never has an earlier cut.
-- A cut is found in two steps: the last running total before the time, and the entries from there to the next one, 64 at most. Where
-- totals are missing, up to 4096 entries are read. In a longer stretch the cut is found by halving, and `credits` is NULL. Where the
-- clock was set back within such a stretch, the cut stands before one of the entries that are not older, not always the first.
-- `is_settled`: the time has passed by 15 s. And either an entry stands behind the cut, as versions have no gap, or no drain has the
-- wallet locked. If one has, the row names its transaction (xmax), which in this snapshot is running or not yet begun.
-- Locks nothing. Index: wallets_pkey, running_totals_latest, running_totals_pkey, entries_pkey. Each look is a range in the order of
-- the versions: for an equation the planner may read another index from end to end while its statistics say that it is empty.
WITH RECURSIVE wallet AS MATERIALIZED (
    SELECT id, currency, version,
           w.xmax::text <> '0'
           AND ((w.xmax::text::bigint - snapshot.xmax) & 4294967295 < 2147483648
                OR EXISTS (SELECT FROM unnest(snapshot.running) xid WHERE xid & 4294967295 = w.xmax::text::bigint)) AS is_locked
      FROM wallets w
     CROSS JOIN (
            SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax,
                   ARRAY(SELECT xid::text::bigint FROM pg_snapshot_xip(pg_current_snapshot()) xid) AS running
           ) snapshot
     WHERE id = %(wallet_id)s
), bound (side, moment, through) AS (
    VALUES ('since', coalesce(%(since)s::timestamptz, '-infinity'), 9223372036854775807),
           ('until', coalesce(%(until)s::timestamptz, 'infinity'), coalesce(%(through)s::bigint, 9223372036854775807))
), stretch AS MATERIALIZED (
    SELECT bound.side, bound.moment, bound.through, coalesce(total.version, 0) AS base, coalesce(total.credits, 0) AS credits,
           coalesce(following.version, wallet.version) AS ends
      FROM wallet
     CROSS JOIN bound
      LEFT JOIN LATERAL (
            SELECT version, credits
              FROM running_totals
             WHERE wallet_id = wallet.id AND latest < bound.moment AND version <= bound.through
             ORDER BY latest DESC, version DESC
             LIMIT 1
           ) total ON true
      LEFT JOIN LATERAL (
            SELECT version
              FROM running_totals
             WHERE wallet_id = wallet.id AND version > coalesce(total.version, 0)
             ORDER BY version
             LIMIT 1
           ) following ON true
), halved (side, bit, version) AS (
    SELECT side, (SELECT max(1::bigint << bit) FROM generate_series(0, 61) bit WHERE 1::bigint << bit <= ends - base), base
      FROM stretch
     WHERE ends - base > 4096
    UNION ALL
    SELECT halved.side, halved.bit / 2, halved.version + CASE WHEN looked.created_at < stretch.moment THEN halved.bit ELSE 0 END
      FROM halved
      JOIN stretch ON stretch.side = halved.side
     CROSS JOIN wallet
      LEFT JOIN LATERAL (
            SELECT version, created_at
              FROM entries
             WHERE wallet_id = wallet.id AND version >= halved.version + halved.bit
             ORDER BY version
             LIMIT 1
           ) looked ON looked.version = halved.version + halved.bit AND looked.version <= least(stretch.ends, stretch.through)
     WHERE halved.bit > 0
), cut AS (
    SELECT stretch.side, stretch.base + older.entries AS version, stretch.credits + older.credits AS credits
      FROM stretch
     CROSS JOIN wallet
     CROSS JOIN LATERAL (
            SELECT count(*) AS entries, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS credits
              FROM (
                    SELECT amount, bool_or(created_at >= stretch.moment OR version > stretch.through) OVER (ORDER BY version) AS is_behind
                      FROM entries
                     WHERE wallet_id = wallet.id AND version > stretch.base AND version <= stretch.ends
                     ORDER BY version
                   ) entry
             WHERE NOT is_behind
           ) older
     WHERE stretch.ends - stretch.base <= 4096
    UNION ALL
    SELECT side, version, NULL FROM halved WHERE bit = 0
)
SELECT wallet.id AS wallet_id, wallet.currency, (SELECT minor_unit FROM currencies WHERE code = wallet.currency) AS minor_unit,
       period.begins, period.ends,
       coalesce(opening.balance_after, 0) AS opening, coalesce(closing.balance_after, 0) AS closing, period.credits::text AS credits,
       coalesce(%(until)s < now() - interval '15 seconds', false)
       AND CASE WHEN behind.created_at IS NULL THEN NOT wallet.is_locked ELSE behind.created_at >= %(until)s END AS is_settled
  FROM wallet
 CROSS JOIN LATERAL (
        SELECT since.version AS begins, greatest(since.version, until.version) AS ends,
               CASE WHEN since.version <= until.version THEN until.credits - since.credits ELSE 0 END AS credits
          FROM cut since
          JOIN cut until ON until.side = 'until'
         WHERE since.side = 'since'
       ) period
  LEFT JOIN LATERAL (
        SELECT version, balance_after FROM entries WHERE wallet_id = wallet.id AND version >= period.begins ORDER BY version LIMIT 1
       ) opening ON opening.version = period.begins
  LEFT JOIN LATERAL (
        SELECT version, balance_after FROM entries WHERE wallet_id = wallet.id AND version >= period.ends ORDER BY version LIMIT 1
       ) closing ON closing.version = period.ends
  LEFT JOIN LATERAL (
        SELECT created_at FROM entries WHERE wallet_id = wallet.id AND version > period.ends ORDER BY version LIMIT 1
       ) behind ON true
