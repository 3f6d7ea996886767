-- Nobody is told what has not happened: every delivery is of a final transfer. And nobody who named a callback URL is forgotten. Reads
-- all deliveries and all transfers, by hash joins.
SELECT 'transfer' AS kind, d.transfer_id AS id, 'is ' || coalesce(t.status, 'missing') || ', and has deliveries' AS detail
  FROM (SELECT DISTINCT transfer_id FROM deliveries) d
  LEFT JOIN transfers t ON t.id = d.transfer_id
 WHERE t.id IS NULL OR t.status = 'queued'
UNION ALL
SELECT 'transfer', t.id, 'is ' || t.status || ', and its callback URL has no delivery'
  FROM transfers t
 WHERE t.status <> 'queued'
   AND t.callback_url IS NOT NULL
   AND NOT EXISTS (SELECT FROM deliveries d WHERE d.transfer_id = t.id AND d.endpoint_id IS NULL)
