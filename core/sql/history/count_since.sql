-- Returns what came after a checkpoint, by currency: transfers, entries, what came in from outside and what went out.
-- Index: events_pkey; per event transfers_pkey and entries_transfer.
SELECT coalesce(t.currency, '') AS currency,
       count(*) AS transfers,
       sum(e.entries)::bigint AS entries,
       coalesce(sum(e.paid_in), 0) AS paid_in,
       coalesce(sum(e.paid_out), 0) AS paid_out
  FROM (SELECT transfer_ids FROM events WHERE moment >= %(before)s OFFSET 0) v
 CROSS JOIN LATERAL unnest(v.transfer_ids) AS one (transfer_id)
  LEFT JOIN LATERAL (SELECT currency FROM transfers WHERE id = one.transfer_id OFFSET 0) t ON true
 CROSS JOIN LATERAL (
        SELECT count(*) AS entries,
               -sum(amount) FILTER (WHERE amount < 0 AND is_external) AS paid_in,
               sum(amount) FILTER (WHERE amount > 0 AND is_external) AS paid_out
          FROM (
                SELECT amount,
                       wallet_id BETWEEN '00000000-0000-7000-8000-000000000000' AND '00000000-0000-7000-8000-ffffffffffff' AS is_external
                  FROM entries
                 WHERE transfer_id = one.transfer_id
                OFFSET 0
               ) stored
       ) e
 GROUP BY 1
 ORDER BY 1
