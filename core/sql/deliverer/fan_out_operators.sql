-- Makes deliveries to the operators' endpoints for the next transfers of the oldest fan-outs.
-- Makes about `rows` of them, from moment `bound` on. Returns the receivers that now have due deliveries.
-- If there are more endpoints than that, it takes one transfer and a page of endpoints, in the order of their ids.
-- An endpoint that was made after the outcome gets none. Where the two transactions overlapped, the clock decides.
-- A repeated step makes no delivery twice (deliveries_target). It records the receivers and its progress, and deletes finished
-- fan-outs.
-- Locks: the fan-outs. Those that another deliverer has locked are skipped.
-- Index: fan_outs_pkey, events_pkey, transfers_pkey, webhook_endpoints_operators, deliveries_target, receivers_pkey.
WITH claimed AS MATERIALIZED (
    SELECT ctid AS row, moment, after_ordinal, after_endpoint
      FROM fan_outs
     WHERE audience = 'operators' AND moment >= %(bound)s
     ORDER BY audience, moment
     LIMIT %(fan_outs)s
       FOR UPDATE SKIP LOCKED
), endpoints AS MATERIALIZED (
    SELECT count(*) AS count
      FROM (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND id IS NOT NULL LIMIT %(rows)s) one
), sized AS MATERIALIZED (
    SELECT c.row, c.moment, c.after_ordinal, c.after_endpoint, event_row.transfer_ids,
           coalesce(cardinality(event_row.transfer_ids), 0) AS size
      FROM claimed c
      LEFT JOIN LATERAL (SELECT transfer_ids FROM events WHERE moment = c.moment OFFSET 0) event_row ON true
), taken AS MATERIALIZED (
    SELECT s.moment, s.after_ordinal + one.turn AS ordinal, one.transfer_id,
           CASE WHEN one.turn = 1 THEN s.after_endpoint END AS after_endpoint
      FROM sized s
     CROSS JOIN LATERAL unnest(s.transfer_ids[s.after_ordinal + 1 : s.after_ordinal + %(rows)s])
                        WITH ORDINALITY AS one (transfer_id, turn)
     ORDER BY s.moment, one.turn
     LIMIT (SELECT greatest(1, %(rows)s::bigint / greatest(1, count)) FROM endpoints)
), candidates AS MATERIALIZED (
    SELECT u.moment, u.ordinal, t.id AS transfer_id, t.status, t.shard, t.finished_at, e.id AS endpoint_id, e.owner,
           e.status = 'enabled'
           AND 'transfer.' || t.status = ANY(e.events)
           AND (u.moment >= e.since OR t.finished_at >= e.created_at) AS is_receiver
      FROM taken u
     CROSS JOIN LATERAL (SELECT id, status, shard, finished_at FROM transfers WHERE id = u.transfer_id OFFSET 0) t
     CROSS JOIN LATERAL (
            SELECT id, owner, status, events, since, created_at
              FROM webhook_endpoints
             WHERE wallet_id IS NULL AND id > coalesce(u.after_endpoint, '00000000-0000-0000-0000-000000000000')
             ORDER BY id
             LIMIT %(rows)s
           ) e
), new_deliveries AS (
    INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)
    SELECT owner, endpoint_id::text, transfer_id, endpoint_id, shard FROM candidates WHERE is_receiver
    ON CONFLICT ON CONSTRAINT deliveries_target DO NOTHING
), due_receivers AS MATERIALIZED (
    SELECT DISTINCT owner COLLATE "C" AS owner, endpoint_id::text COLLATE "C" AS receiver FROM candidates WHERE is_receiver
), recorded AS (
    {{record_receivers}}
), page AS MATERIALIZED (
    SELECT u.moment, u.ordinal, count(a.endpoint_id) >= %(rows)s::bigint AS goes_on,
           (array_agg(a.endpoint_id ORDER BY a.endpoint_id DESC))[1] AS last_endpoint
      FROM taken u
      LEFT JOIN candidates a ON a.moment = u.moment AND a.ordinal = u.ordinal
     GROUP BY u.moment, u.ordinal
), progress AS MATERIALIZED (
    SELECT s.row, s.size,
           coalesce(max(p.ordinal) FILTER (WHERE NOT p.goes_on), s.after_ordinal) AS ordinal,
           (array_agg(p.last_endpoint) FILTER (WHERE p.goes_on))[1] AS endpoint,
           count(p.moment) > 0 AS has_moved
      FROM sized s
      LEFT JOIN page p ON p.moment = s.moment
     GROUP BY s.row, s.size, s.after_ordinal
), advanced AS (
    UPDATE fan_outs f
       SET (after_ordinal, after_endpoint) = (SELECT ordinal, endpoint FROM progress p WHERE p.row = f.ctid)
     WHERE f.ctid = ANY(ARRAY(SELECT row FROM progress WHERE ordinal < size AND has_moved))
), finished AS (
    DELETE FROM fan_outs WHERE ctid = ANY(ARRAY(SELECT row FROM progress WHERE ordinal >= size)) RETURNING moment
)
{{fan_out_step}}
