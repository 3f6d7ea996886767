-- Makes deliveries of the oldest event of a disabled endpoint, to the next of its owner's other endpoints in the order of their
-- ids.
-- Makes up to `rows` of them, from moment `bound` on. Returns the receivers that now have due deliveries.
-- An endpoint that was made after the event gets none. Where the two transactions overlapped, the clock decides.
-- A repeated step makes no delivery twice (deliveries_target). It records the receivers and its progress, and deletes a finished
-- fan-out.
-- Locks: the fan-out. One that another deliverer has locked is skipped.
-- Index: fan_outs_pkey, endpoint_events_pkey, webhook_endpoints_owner, deliveries_target, receivers_pkey.
WITH claimed AS MATERIALIZED (
    SELECT ctid AS row, moment, after_endpoint
      FROM fan_outs
     WHERE audience = 'endpoints' AND moment >= %(bound)s
     ORDER BY audience, moment
     LIMIT 1
       FOR UPDATE SKIP LOCKED
), candidates AS MATERIALIZED (
    SELECT n.id AS event_id, e.id AS endpoint_id, e.owner,
           e.status = 'enabled'
           AND 'webhook_endpoint.disabled' = ANY(e.events)
           AND e.id <> n.endpoint_id
           AND (c.moment >= e.since OR n.created_at >= e.created_at) AS is_receiver
      FROM claimed c
     CROSS JOIN LATERAL (SELECT id, owner, endpoint_id, created_at FROM endpoint_events WHERE moment = c.moment OFFSET 0) n
     CROSS JOIN LATERAL (
            SELECT id, owner, status, events, since, created_at
              FROM webhook_endpoints
             WHERE owner = n.owner COLLATE "default" AND id > coalesce(c.after_endpoint, '00000000-0000-0000-0000-000000000000')
             ORDER BY id
             LIMIT %(rows)s
           ) e
), new_deliveries AS (
    INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)
    SELECT owner, endpoint_id::text, event_id, endpoint_id, 0 FROM candidates WHERE is_receiver
    ON CONFLICT ON CONSTRAINT deliveries_target DO NOTHING
), due_receivers AS MATERIALIZED (
    SELECT DISTINCT owner COLLATE "C" AS owner, endpoint_id::text COLLATE "C" AS receiver FROM candidates WHERE is_receiver
), recorded AS (
    {{record_receivers}}
), page AS MATERIALIZED (
    SELECT count(*) >= %(rows)s::bigint AS goes_on, (array_agg(endpoint_id ORDER BY endpoint_id DESC))[1] AS last_endpoint
      FROM candidates
), advanced AS (
    UPDATE fan_outs
       SET after_endpoint = (SELECT last_endpoint FROM page)
     WHERE ctid = ANY(ARRAY(SELECT row FROM claimed, page WHERE goes_on))
), finished AS (
    DELETE FROM fan_outs WHERE ctid = ANY(ARRAY(SELECT row FROM claimed, page WHERE NOT goes_on)) RETURNING moment
)
{{fan_out_step}}
