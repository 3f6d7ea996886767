-- What was taken of a transfer is the sum of its applied children: of a hold its captures, and its releases with what a final capture
-- left; of any other its reversals. A hold with an applied final capture has nothing left. A final transfer with lines says what
-- reversals may still take of it.
-- Reads all transfers, by hash join.
SELECT 'transfer' AS kind, p.id,
       'is a ' || p.type || ' of ' || coalesce(p.moved, p.amount) || ' and says that ' || coalesce(p.captured, 0) || ' was captured and '
       || coalesce(p.returned, 0) || ' returned; its children sum to ' || coalesce(c.captured, 0) || ' and ' || coalesce(c.returned, 0)
       || CASE WHEN c.closed THEN ', and one closed it' ELSE '' END AS detail
  FROM transfers p
  LEFT JOIN (
        SELECT parent,
               sum(moved) FILTER (WHERE type = 'capture') AS captured,
               sum(moved) FILTER (WHERE type <> 'capture') AS returned,
               coalesce(bool_or(closes), false) AS closed
          FROM transfers
         WHERE parent IS NOT NULL AND status = 'applied'
         GROUP BY parent
       ) c ON c.parent = p.id
 WHERE coalesce(p.captured, 0) <> coalesce(c.captured, 0)
    OR CASE WHEN c.closed THEN coalesce(p.captured, 0) + coalesce(p.returned, 0) <> coalesce(p.moved, p.amount)
                               OR coalesce(p.returned, 0) < coalesce(c.returned, 0)
            ELSE coalesce(p.returned, 0) <> coalesce(c.returned, 0) END
    OR (p.wallet_ids IS NOT NULL AND p.status <> 'queued' AND (p.unreversed = p.moved - coalesce(p.returned, 0)) IS NOT TRUE)
