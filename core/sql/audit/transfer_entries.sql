-- Promise 2: an applied transfer has exactly two entries, -amount on its source and +amount on its destination; any other has none.
-- Reads all transfers and all entries, by hash join.
SELECT 'transfer' AS kind, t.id,
       'is ' || t.status || ' and has ' || coalesce(e.entries, 0) || ' entries, ' || coalesce(e.debits, 0)
       || ' right debits and ' || coalesce(e.credits, 0) || ' right credits' AS detail
  FROM transfers t
  LEFT JOIN (
        SELECT e.transfer_id,
               count(*) AS entries,
               count(*) FILTER (WHERE e.wallet_id = t.source AND e.amount = -t.amount) AS debits,
               count(*) FILTER (WHERE e.wallet_id = t.destination AND e.amount = t.amount) AS credits
          FROM entries e
          JOIN transfers t ON t.id = e.transfer_id
         GROUP BY e.transfer_id
       ) e ON e.transfer_id = t.id
 WHERE (t.status = 'applied') <> (coalesce(e.entries, 0) > 0)
    OR (t.status = 'applied' AND (e.entries, e.debits, e.credits) <> (2, 1, 1))
