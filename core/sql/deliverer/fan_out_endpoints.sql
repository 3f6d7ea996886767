-- Makes deliveries of the oldest event of an endpoint that was disabled, from a moment on: to the next of its owner's other endpoints,
-- in the order of their ids, up to `rows` of them. An endpoint that was made after the event is not told; where transactions
-- overlapped, the clock decides. A repetition makes nothing twice: deliveries_target. Notes the receivers, and how far it came; a
-- fan-out that is done is deleted. Returns what it made due. Locks the fan-out, and leaves one that another deliverer has locked to it.
-- Leans on fan_outs_pkey, endpoint_events_pkey, webhook_endpoints_owner, deliveries_target and receivers_pkey.
WITH claimed AS MATERIALIZED (
    SELECT ctid AS row, moment, after_endpoint
      FROM fan_outs
     WHERE audience = 'endpoints' AND moment >= %(bound)s
     ORDER BY audience, moment
     LIMIT 1
       FOR UPDATE SKIP LOCKED
), asked AS MATERIALIZED (
    SELECT n.id AS event_id, e.id AS endpoint_id, e.owner,
           e.status = 'enabled'
           AND 'webhook_endpoint.disabled' = ANY(e.events)
           AND e.id <> n.endpoint_id
           AND (c.moment >= e.since OR n.created_at >= e.created_at) AS is_told
      FROM claimed c
     CROSS JOIN LATERAL (SELECT id, owner, endpoint_id, created_at FROM endpoint_events WHERE moment = c.moment OFFSET 0) n
     CROSS JOIN LATERAL (
            SELECT id, owner, status, events, since, created_at
              FROM webhook_endpoints
             WHERE owner = n.owner COLLATE "default" AND id > coalesce(c.after_endpoint, '00000000-0000-0000-0000-000000000000')
             ORDER BY id
             LIMIT %(rows)s
           ) e
), made AS (
    INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)
    SELECT owner, endpoint_id::text, event_id, endpoint_id, 0 FROM asked WHERE is_told
    ON CONFLICT ON CONSTRAINT deliveries_target DO NOTHING
), receiving AS MATERIALIZED (
    SELECT DISTINCT owner COLLATE "C" AS owner, endpoint_id::text COLLATE "C" AS receiver FROM asked WHERE is_told
), noted AS (
    INSERT INTO receivers (owner, receiver)
    SELECT owner, receiver
      FROM receiving w
     WHERE (SELECT r.used_at > now() - interval '10 minutes' FROM receivers r WHERE r.owner = w.owner AND r.receiver = w.receiver)
           IS NOT TRUE
     ORDER BY owner, receiver
    ON CONFLICT (owner, receiver) DO UPDATE SET used_at = now()
), page AS MATERIALIZED (
    SELECT count(*) >= %(rows)s::bigint AS goes_on, (array_agg(endpoint_id ORDER BY endpoint_id DESC))[1] AS last_endpoint FROM asked
), gone_on AS (
    UPDATE fan_outs
       SET after_endpoint = (SELECT last_endpoint FROM page)
     WHERE ctid = ANY(ARRAY(SELECT row FROM claimed, page WHERE goes_on))
), done AS (
    DELETE FROM fan_outs WHERE ctid = ANY(ARRAY(SELECT row FROM claimed, page WHERE NOT goes_on)) RETURNING moment
)
SELECT (SELECT count(*) FROM claimed) AS claimed, (SELECT count(*) FROM done) AS done,
       coalesce((SELECT array_agg(owner) FROM receiving), '{}') AS owners,
       coalesce((SELECT array_agg(receiver) FROM receiving), '{}') AS receivers
