-- Cancels pending deliveries of a deleted or disabled endpoint, up to a limit.
-- Cancels none if the endpoint is enabled again: deliveries made since then are to be sent. The deliverer cancels the rest, and
-- those that a fan-out makes while the endpoint is disabled.
-- Locks: the rows. Locked ones are skipped. A range, for the reason given in webhooks/list_deliveries_of_endpoint.
-- Index: deliveries_endpoint, webhook_endpoints_pkey.
UPDATE deliveries
   SET status = 'canceled', next_attempt_at = NULL, finished_at = clock_timestamp()
 WHERE ctid = ANY(ARRAY(
        SELECT ctid
          FROM deliveries
         WHERE (endpoint_id, status) >= (%(endpoint_id)s, 'pending')
           AND (endpoint_id, status) <= (%(endpoint_id)s, 'pending')
           AND endpoint_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM webhook_endpoints WHERE id = %(endpoint_id)s AND status = 'enabled')
         ORDER BY endpoint_id, status, id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
       ))
RETURNING id
