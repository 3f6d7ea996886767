-- Makes a delivery due at once, whatever its status, with a whole new schedule, and records its receiver.
-- Does nothing if the endpoint is disabled or deleted.
-- Locks: the delivery, then the receiver. Index: deliveries_pkey, webhook_endpoints_pkey, receivers_pkey.
WITH made_due AS (
    UPDATE deliveries d
       SET status = 'pending', next_attempt_at = clock_timestamp(), failures = 0, finished_at = NULL
     WHERE d.id = %(id)s
       AND d.owner = %(owner)s
       AND (d.endpoint_id IS NULL OR EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = d.endpoint_id AND e.status = 'enabled' OFFSET 0))
    RETURNING d.id, d.owner, d.receiver
), recorded AS (
    INSERT INTO receivers (owner, receiver)
    SELECT owner, receiver FROM made_due
    ON CONFLICT (owner, receiver) DO UPDATE SET used_at = now()
)
SELECT id FROM made_due
