-- Each transfer that became final later has the entries that it must have. One that was applied, and is neither a hold nor a release,
-- has exactly its lines: they sum to zero, and the credits sum to what it came to. Without lines it has two, of its source and of its
-- destination. All of their wallets have its currency. Any other transfer has no entry.
-- Index: events_pkey; per event transfers_pkey and entries_transfer, per entry wallets_pkey.
SELECT 'transfer' AS kind, t.id,
       'is a ' || t.type || ', ' || t.status || ', of ' || coalesce(t.moved, t.amount) || ' and has ' || e.entries || ' entries that sum to '
       || coalesce(e.amount, 0) || ', with credits of ' || coalesce(e.credits, 0) AS detail
  FROM (SELECT transfer_ids FROM events WHERE moment >= %(before)s OFFSET 0) v
 CROSS JOIN LATERAL unnest(v.transfer_ids) AS one (transfer_id)
 CROSS JOIN LATERAL (
        SELECT id, type, status, source, destination, amount, moved, currency, wallet_ids, amounts FROM transfers WHERE id = one.transfer_id OFFSET 0
       ) t
 CROSS JOIN LATERAL (
        SELECT count(*) AS entries,
               sum(stored.amount) AS amount,
               sum(stored.amount) FILTER (WHERE stored.amount > 0) AS credits,
               bool_or(stored.wallet_id = t.source AND stored.amount < 0) AS debits_source,
               bool_or(stored.wallet_id = t.destination AND stored.amount > 0) AS credits_destination,
               bool_and(coalesce(stored.amount = t.amounts[array_position(t.wallet_ids, stored.wallet_id)], false)) AS are_lines,
               bool_and(w.currency IS NOT DISTINCT FROM t.currency) AS has_one_currency
          FROM (SELECT wallet_id, amount FROM entries WHERE transfer_id = t.id OFFSET 0) stored
          LEFT JOIN LATERAL (SELECT currency FROM wallets WHERE id = stored.wallet_id OFFSET 0) w ON true
       ) e
 WHERE CASE WHEN t.status = 'applied' AND t.type NOT IN ('hold', 'release') AND coalesce(t.moved, t.amount) > 0
            THEN (e.amount = 0 AND e.credits = coalesce(t.moved, t.amount) AND e.has_one_currency
                  AND CASE WHEN t.wallet_ids IS NULL THEN e.entries = 2 AND e.debits_source AND e.credits_destination
                           ELSE e.entries = cardinality(t.wallet_ids) AND e.are_lines END) IS NOT TRUE
            ELSE e.entries > 0 END
