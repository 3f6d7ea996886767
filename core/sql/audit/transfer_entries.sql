-- Promise 2: an applied transfer has exactly two entries, -a on its source and +a on its destination, or exactly its lines; any other
-- has none. A hold and a release move nothing: they have none either. Nor has the closure of an empty wallet; of another one it moves
-- the whole balance.
-- a is what it came to. That is its amount, unless the amount was open, and nothing if it was not applied. With lines it is never
-- open. A wallet has one entry of a transfer at most (entries_transfer): so as many right entries as lines are all of them.
-- Reads all transfers and all entries, by hash join.
SELECT 'transfer' AS kind, t.id,
       'is a ' || t.type || ', ' || t.status || ', of ' || t.amount || coalesce(' that came to ' || t.moved, '') || ' and has '
       || coalesce(e.entries, 0) || ' entries, ' || coalesce(e.debits, 0) || ' right debits and ' || coalesce(e.credits, 0)
       || ' right credits' AS detail
  FROM transfers t
  LEFT JOIN (
        SELECT e.transfer_id,
               count(*) AS entries,
               count(*) FILTER (
                   WHERE e.amount < 0
                     AND CASE WHEN t.wallet_ids IS NULL THEN e.wallet_id = t.source AND e.amount = -coalesce(t.moved, t.amount)
                              ELSE e.amount = t.amounts[array_position(t.wallet_ids, e.wallet_id)] END
               ) AS debits,
               count(*) FILTER (
                   WHERE e.amount > 0
                     AND CASE WHEN t.wallet_ids IS NULL THEN e.wallet_id = t.destination AND e.amount = coalesce(t.moved, t.amount)
                              ELSE e.amount = t.amounts[array_position(t.wallet_ids, e.wallet_id)] END
               ) AS credits
          FROM entries e
          JOIN transfers t ON t.id = e.transfer_id
         GROUP BY e.transfer_id
       ) e ON e.transfer_id = t.id
 WHERE (t.status = 'applied' AND t.type NOT IN ('hold', 'release') AND (t.type <> 'closure' OR t.moved > 0))
       <> (coalesce(e.entries, 0) > 0)
    OR (e.entries > 0 AND t.wallet_ids IS NULL AND (e.entries, e.debits, e.credits) <> (2, 1, 1))
    OR (e.entries > 0 AND (e.entries, e.debits + e.credits) <> (cardinality(t.wallet_ids), cardinality(t.wallet_ids)))
    OR (t.status = 'applied' AND t.type <> 'closure' AND ((t.fit IS NULL AND t.moved <> t.amount) OR t.moved = 0))
    OR (t.status = 'applied' AND t.type = 'closure' AND t.sweeps IS NULL AND t.moved <> 0)
    OR (t.status IN ('rejected', 'canceled') AND t.moved <> 0)
