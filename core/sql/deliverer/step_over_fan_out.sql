-- Steps over the next transfer of a fan-out, whose deliveries cannot be made, or over the event of a disabled endpoint; unless a deliverer
-- has moved the fan-out since it was looked at, or has locked it. A fan-out that is done is deleted. Returns the id of what it stepped
-- over. Locks the fan-out. Leans on fan_outs_pkey, events_pkey and endpoint_events_pkey.
WITH stuck AS MATERIALIZED (
    SELECT ctid AS row, moment, after_ordinal
      FROM fan_outs
     WHERE audience = %(audience)s AND moment = %(moment)s AND after_ordinal = %(after_ordinal)s
       FOR UPDATE SKIP LOCKED
), sized AS MATERIALIZED (
    SELECT s.row, s.after_ordinal + 1 AS ordinal, coalesce(cardinality(told.transfer_ids), 0) AS size,
           coalesce(told.transfer_ids[s.after_ordinal + 1], disabled.id) AS id
      FROM stuck s
      LEFT JOIN LATERAL (SELECT transfer_ids FROM events WHERE moment = s.moment AND %(audience)s <> 'endpoints' OFFSET 0) told ON true
      LEFT JOIN LATERAL (SELECT id FROM endpoint_events WHERE moment = s.moment AND %(audience)s = 'endpoints' OFFSET 0) disabled ON true
), gone_on AS (
    UPDATE fan_outs
       SET after_ordinal = after_ordinal + 1, after_endpoint = NULL
     WHERE ctid = ANY(ARRAY(SELECT row FROM sized WHERE ordinal < size))
    RETURNING moment
), done AS (
    DELETE FROM fan_outs WHERE ctid = ANY(ARRAY(SELECT row FROM sized WHERE ordinal >= size)) RETURNING moment
)
SELECT id FROM sized WHERE EXISTS (SELECT FROM gone_on) OR EXISTS (SELECT FROM done)
