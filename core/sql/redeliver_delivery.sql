-- Makes a delivery due at once, whatever has become of it, with the whole schedule before it. Nothing is due to an endpoint that is
-- disabled or deleted. Locks the row; leans on deliveries_pkey and webhook_endpoints_pkey.
UPDATE deliveries d
   SET status = 'pending', next_attempt_at = clock_timestamp(), failures = 0, finished_at = NULL
 WHERE d.id = %(id)s
   AND d.owner = %(owner)s
   AND (d.endpoint_id IS NULL OR EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = d.endpoint_id AND e.status = 'enabled' OFFSET 0))
RETURNING d.id
