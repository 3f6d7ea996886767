-- Sets what was taken of a transfer to the sum of its applied children, where it differs, as core/sql/audit/parents.sql says it.
-- Reads all transfers. Its transaction has locked the table of shards, so no drain runs.
UPDATE transfers p
   SET captured = nullif(truth.captured, 0),
       returned = nullif(truth.returned, 0),
       unreversed = CASE WHEN p.wallet_ids IS NOT NULL AND p.status <> 'queued' THEN p.moved - truth.returned END
  FROM (
        SELECT p.id, coalesce(c.captured, 0) AS captured,
               CASE WHEN c.closed THEN coalesce(p.moved, p.amount) - coalesce(c.captured, 0) ELSE coalesce(c.returned, 0) END AS returned
          FROM transfers p
          LEFT JOIN (
                SELECT parent,
                       sum(moved) FILTER (WHERE type = 'capture')::bigint AS captured,
                       sum(moved) FILTER (WHERE type <> 'capture')::bigint AS returned,
                       bool_or(closes) AS closed
                  FROM transfers
                 WHERE parent IS NOT NULL AND status = 'applied'
                 GROUP BY parent
               ) c ON c.parent = p.id
       ) truth
 WHERE truth.id = p.id
   AND ((coalesce(p.captured, 0), coalesce(p.returned, 0)) <> (truth.captured, truth.returned)
        OR (p.wallet_ids IS NOT NULL AND p.status <> 'queued' AND p.unreversed IS DISTINCT FROM p.moved - truth.returned))
