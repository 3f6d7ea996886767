-- Every delivery is of a final transfer or of the event of a disabled endpoint, and every callback URL of a final transfer has one.
-- The delivery of a callback URL may be missing while its fan-out is not done. It may also be missing if the transfer ended before
-- the bound below which retention deletes ended deliveries.
-- A callback URL without a host makes no delivery: its transfer is reported for ever.
-- No fan-out is older than ten minutes. An older one means that there is no deliverer, or that it fails at this one.
-- Reads all deliveries and all transfers, by hash joins.
SELECT 'transfer' AS kind, d.transfer_id AS id, 'is ' || coalesce(t.status, 'missing') || ', and has deliveries' AS detail
  FROM (SELECT DISTINCT transfer_id FROM deliveries) d
  LEFT JOIN transfers t ON t.id = d.transfer_id
  LEFT JOIN endpoint_events e ON e.id = d.transfer_id
 WHERE (t.id IS NULL OR t.status = 'queued') AND e.id IS NULL
UNION ALL
SELECT 'transfer', t.id, 'is ' || t.status || ', and its callback URL has no delivery'
  FROM transfers t
 WHERE t.status <> 'queued'
   AND t.callback_url IS NOT NULL
   AND NOT EXISTS (SELECT FROM deliveries d WHERE d.transfer_id = t.id AND d.endpoint_id IS NULL)
   AND NOT EXISTS (SELECT FROM fan_outs f WHERE f.audience = 'parties' AND f.moment = t.moment AND f.after_ordinal < t.ordinal)
   AND extract(epoch FROM t.finished_at) * 1000000 >= (SELECT value FROM delivery_bounds WHERE name = 'ended')
UNION ALL
SELECT 'transfer', t.id, 'has a callback URL from which no host can be cut, so nothing is sent to it'
  FROM transfers t
 WHERE t.callback_url IS NOT NULL
   AND char_length(lower(substring(t.callback_url FROM '^[^/]*//(\[[^]]*\]|[^/:?]*)'))) BETWEEN 1 AND 260 IS NOT TRUE
UNION ALL
SELECT 'transfer', t.id, 'became final more than ten minutes ago, and deliveries to its ' || f.audience || ' are still to be made'
  FROM fan_outs f
  JOIN transfers t ON t.moment = f.moment AND t.ordinal = f.after_ordinal + 1
 WHERE f.audience <> 'endpoints' AND t.finished_at < now() - interval '10 minutes'
UNION ALL
SELECT 'ledger', NULL, 'an endpoint was disabled more than ten minutes ago, and deliveries that say so are still to be made'
  FROM fan_outs f
  JOIN endpoint_events e ON e.moment = f.moment
 WHERE f.audience = 'endpoints' AND e.created_at < now() - interval '10 minutes'
