-- Each capture and release is of a hold between the same wallets, and each reversal of a movement between the same wallets turned
-- round; one that was applied is of an applied one. No applied capture was accepted at or after the end of its hold.
-- Reads all transfers, by hash join.
SELECT 'transfer' AS kind, c.id,
       'is a ' || c.type || ', ' || c.status || ', of ' || coalesce('a ' || p.type || ', ' || p.status, 'a missing transfer') AS detail
  FROM transfers c
  LEFT JOIN transfers p ON p.id = c.parent
 WHERE c.parent IS NOT NULL
   AND (CASE WHEN c.type = 'reversal'
             THEN p.type IN ('deposit', 'withdrawal', 'transfer', 'capture') AND (p.destination, p.source) = (c.source, c.destination)
             ELSE p.type = 'hold' AND (p.source, p.destination) = (c.source, c.destination)
        END
        AND (c.status <> 'applied' OR p.status = 'applied')) IS NOT TRUE
UNION ALL
SELECT 'transfer', c.id, 'was applied, and accepted ' || c.created_at || ', when its hold had ended: ' || p.expires_at
  FROM transfers c
  JOIN transfers p ON p.id = c.parent
 WHERE c.type = 'capture' AND c.status = 'applied' AND c.created_at >= p.expires_at
