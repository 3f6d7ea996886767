-- Skips the next transfer of a fan-out, or the event of a disabled endpoint, because its deliveries cannot be made.
-- Does nothing if a deliverer has advanced the fan-out since it was read, or has locked it. Deletes a finished fan-out.
-- Returns the id of what it skipped.
-- Locks: the fan-out. Index: fan_outs_pkey, events_pkey, endpoint_events_pkey.
WITH stuck AS MATERIALIZED (
    SELECT ctid AS row, moment, after_ordinal
      FROM fan_outs
     WHERE audience = %(audience)s AND moment = %(moment)s AND after_ordinal = %(after_ordinal)s
       FOR UPDATE SKIP LOCKED
), sized AS MATERIALIZED (
    SELECT s.row, s.after_ordinal + 1 AS ordinal, coalesce(cardinality(event_row.transfer_ids), 0) AS size,
           coalesce(event_row.transfer_ids[s.after_ordinal + 1], disabled.id) AS id
      FROM stuck s
      LEFT JOIN LATERAL (
            SELECT transfer_ids FROM events WHERE moment = s.moment AND %(audience)s <> 'endpoints' OFFSET 0
           ) event_row ON true
      LEFT JOIN LATERAL (
            SELECT id FROM endpoint_events WHERE moment = s.moment AND %(audience)s = 'endpoints' OFFSET 0
           ) disabled ON true
), advanced AS (
    UPDATE fan_outs
       SET after_ordinal = after_ordinal + 1, after_endpoint = NULL
     WHERE ctid = ANY(ARRAY(SELECT row FROM sized WHERE ordinal < size))
    RETURNING moment
), finished AS (
    DELETE FROM fan_outs WHERE ctid = ANY(ARRAY(SELECT row FROM sized WHERE ordinal >= size)) RETURNING moment
)
SELECT id FROM sized WHERE EXISTS (SELECT FROM advanced) OR EXISTS (SELECT FROM finished)
