-- Makes failed and canceled deliveries of an endpoint due at once, from a time on, oldest first, up to a limit. Records the
-- receiver.
-- A repetition continues with the next ones, because those that are due are pending. `since_id` is below each id made since that
-- time, for the index; the time itself decides. Ranges, for the reason given in webhooks/list_deliveries_of_endpoint.
-- Locks: the deliveries, then the receiver. Index: deliveries_endpoint, receivers_pkey.
WITH made_due AS (
    UPDATE deliveries d
       SET status = 'pending', next_attempt_at = clock_timestamp(), failures = 0, finished_at = NULL
     WHERE d.ctid = ANY(ARRAY(
            SELECT one.row
              FROM unnest(ARRAY['failed', 'canceled']) AS wanted (status)
             CROSS JOIN LATERAL (
                    SELECT ctid AS row, id
                      FROM deliveries
                     WHERE (endpoint_id, status, id) >= (%(endpoint_id)s, wanted.status, %(since_id)s)
                       AND (endpoint_id, status) <= (%(endpoint_id)s, wanted.status)
                       AND endpoint_id IS NOT NULL
                       AND created_at >= %(since)s
                     ORDER BY endpoint_id, status, id
                     LIMIT %(limit)s
                   ) one
             ORDER BY one.id
             LIMIT %(limit)s
           ))
       AND d.status IN ('failed', 'canceled')
    RETURNING d.id, d.owner, d.receiver
), recorded AS (
    INSERT INTO receivers (owner, receiver)
    SELECT DISTINCT owner, receiver FROM made_due
    ON CONFLICT (owner, receiver) DO UPDATE SET used_at = now()
)
SELECT id FROM made_due
