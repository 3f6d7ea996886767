-- A transfer's lines sum to zero, one a wallet, debits first; its source and its destination are the first debit and the first credit,
-- and all credits sum to its amount. Each of its wallets is a client's, of its currency.
-- The third and further wallets of a transfer are its parties, and there are no others.
-- Reads all transfers, all wallets of lines and all parties, by hash joins.
SELECT 'transfer' AS kind, t.id,
       'is a ' || t.type || ' of ' || t.amount || ' from ' || t.source || ' to ' || t.destination || ', and has the lines '
       || coalesce(t.wallet_ids::text, 'none') || ' ' || coalesce(t.amounts::text, 'none') AS detail
  FROM transfers t
 WHERE (t.wallet_ids IS NULL) <> (t.amounts IS NULL)
    OR (t.wallet_ids IS NOT NULL
        AND (t.type IN ('transfer', 'capture', 'reversal')
             AND are_lines(t.wallet_ids, t.amounts, t.source, t.destination, t.amount)) IS NOT TRUE)
UNION ALL
SELECT 'transfer', l.id, 'has a line of ' || coalesce(w.kind || ' wallet ', 'missing wallet ') || l.wallet_id
       || coalesce(' in ' || w.currency, '') || ', and is in ' || l.currency
  FROM (SELECT id, currency, unnest(wallet_ids) AS wallet_id FROM transfers WHERE wallet_ids IS NOT NULL) l
  LEFT JOIN wallets w ON w.id = l.wallet_id
 WHERE (w.kind = 'client' AND w.currency = l.currency) IS NOT TRUE
UNION ALL
SELECT 'transfer', coalesce(l.id, p.transfer_id),
       CASE WHEN l.id IS NULL THEN 'has no third line of wallet ' || p.wallet_id || ', which is one of its parties'
            ELSE 'has a line of wallet ' || l.wallet_id || ', which is none of its parties' END
  FROM (
        SELECT t.id, line.wallet_id
          FROM transfers t
         CROSS JOIN LATERAL unnest(t.wallet_ids) AS line (wallet_id)
         WHERE t.wallet_ids IS NOT NULL AND line.wallet_id NOT IN (t.source, t.destination)
       ) l
  FULL JOIN parties p ON p.transfer_id = l.id AND p.wallet_id = l.wallet_id
 WHERE l.id IS NULL OR p.transfer_id IS NULL
