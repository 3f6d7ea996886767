-- Nobody is told what has not happened: every delivery is of a final transfer. Reads all deliveries, and transfers_pkey or a hash.
SELECT 'transfer' AS kind, d.transfer_id AS id, 'is ' || coalesce(t.status, 'missing') || ', and has deliveries' AS detail
  FROM (SELECT DISTINCT transfer_id FROM deliveries) d
  LEFT JOIN transfers t ON t.id = d.transfer_id
 WHERE t.id IS NULL OR t.status = 'queued'
