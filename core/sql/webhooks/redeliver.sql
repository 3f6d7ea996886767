-- Makes a delivery due at once, whatever has become of it, with the whole schedule before it, and notes its receiver. Nothing is due to
-- an endpoint that is disabled or deleted. Locks the row, and then the receiver's; leans on deliveries_pkey, webhook_endpoints_pkey and
-- receivers_pkey.
WITH made_due AS (
    UPDATE deliveries d
       SET status = 'pending', next_attempt_at = clock_timestamp(), failures = 0, finished_at = NULL
     WHERE d.id = %(id)s
       AND d.owner = %(owner)s
       AND (d.endpoint_id IS NULL OR EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = d.endpoint_id AND e.status = 'enabled' OFFSET 0))
    RETURNING d.id, d.owner, d.receiver
), noted AS (
    INSERT INTO receivers (owner, receiver)
    SELECT owner, receiver FROM made_due
    ON CONFLICT (owner, receiver) DO UPDATE SET used_at = now()
)
SELECT id FROM made_due
