-- Returns what came in from outside (amount > 0) or went out (amount < 0) between two times: the entries of external wallets, with the
-- sign turned round. Either time may be NULL. A currency and types of transfers may be given.
-- The cut is made by version, as in a statement: the first entry that is not before the time, found by halving. So months tile even if
-- a clock was set back.
-- Locks nothing. Reads the external wallets. Index: entries_pkey per wallet, transfers_pkey per entry.
SELECT t.id, t.type, btrim(coalesce(t.reference, '')) AS reference, -e.amount AS amount, w.currency, e.created_at AS booked_at
  FROM wallets w
 CROSS JOIN LATERAL (
        WITH RECURSIVE halving AS (
            SELECT place, at, 1::bigint AS low, w.version + 1 AS high
              FROM (VALUES ('first', %(start)s::timestamptz), ('past', %(end)s::timestamptz)) asked (place, at)
             WHERE at IS NOT NULL
            UNION ALL
            SELECT place, at,
                   CASE WHEN middle.created_at < at THEN middle.version + 1 ELSE low END,
                   CASE WHEN middle.created_at < at THEN high ELSE middle.version END
              FROM halving
             CROSS JOIN LATERAL (
                    SELECT version, created_at FROM entries WHERE wallet_id = w.id AND version = (low + high) / 2 OFFSET 0
                   ) middle
             WHERE low < high
        )
        SELECT coalesce(max(low) FILTER (WHERE place = 'first' AND low = high), 1) AS first,
               coalesce(max(low) FILTER (WHERE place = 'past' AND low = high), w.version + 1) AS past
          FROM halving
       ) cut
 CROSS JOIN LATERAL (
        SELECT transfer_id, amount, created_at
          FROM entries
         WHERE wallet_id = w.id AND version >= cut.first AND version < cut.past
         ORDER BY version
        OFFSET 0
       ) e
 CROSS JOIN LATERAL (SELECT id, type, reference FROM transfers WHERE id = e.transfer_id OFFSET 0) t
 WHERE w.kind = 'external'
   AND (%(currency)s::text IS NULL OR w.currency = %(currency)s)
   AND (%(types)s::text[] IS NULL OR t.type = ANY(%(types)s::text[]))
