-- Cancels up to a limit of what an endpoint has not been told yet, because it is not to be told any more: it is deleted or disabled.
-- Not when it has been enabled again meanwhile: what a drain has added since is to be told. Whatever a drain adds while it is disabled,
-- and whatever is more, the deliverer cancels. Locks the rows, without waiting for those that somebody else has locked. A range, as in
-- list_endpoint_deliveries. Leans on deliveries_endpoint and webhook_endpoints_pkey.
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
