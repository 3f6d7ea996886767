-- Each capture and release is of a hold between the same wallets, and each reversal of a movement between the same wallets turned
-- round; one that was applied is of an applied one. No applied capture was accepted at or after the end of its hold.
-- A capture with lines is of a hold of the same source. More than two lines are reversed by the same lines turned round, as a whole.
-- Reads all transfers, by hash join.
SELECT 'transfer' AS kind, c.id,
       'is a ' || c.type || ', ' || c.status || ', of ' || coalesce('a ' || p.type || ', ' || p.status, 'a missing transfer') AS detail
  FROM transfers c
  LEFT JOIN transfers p ON p.id = c.parent
 WHERE c.parent IS NOT NULL
   AND (CASE WHEN c.type = 'reversal'
             THEN p.type IN ('deposit', 'withdrawal', 'transfer', 'capture') AND (p.destination, p.source) = (c.source, c.destination)
                  AND CASE WHEN c.wallet_ids IS NULL AND (p.wallet_ids IS NULL OR cardinality(p.wallet_ids) = 2) THEN true
                           ELSE ARRAY(SELECT (wallet_id, -amount) FROM unnest(c.wallet_ids, c.amounts) AS line (wallet_id, amount) ORDER BY 1)
                                = ARRAY(SELECT (wallet_id, amount) FROM unnest(p.wallet_ids, p.amounts) AS line (wallet_id, amount) ORDER BY 1)
                       END
             ELSE p.type = 'hold' AND p.source = c.source AND (p.destination = c.destination OR c.wallet_ids IS NOT NULL)
        END
        AND (c.status <> 'applied' OR p.status = 'applied')) IS NOT TRUE
UNION ALL
SELECT 'transfer', c.id, 'was applied, and accepted ' || c.created_at || ', when its hold had ended: ' || p.expires_at
  FROM transfers c
  JOIN transfers p ON p.id = c.parent
 WHERE c.type = 'capture' AND c.status = 'applied' AND c.created_at >= p.expires_at
