-- Queues what is due: a scheduled transfer, and the release of what is left of a hold that has expired. Returns the shards, and
-- whether more may be due there.
-- A hold's row stays until the hold is closed; its time becomes infinity, so that it is queued once. The deadline of a scheduled
-- transfer counts from now.
-- Of each shard it takes the longest due: as many as the shard has queued less than %(most)s, and %(least)s at least. So a caller's
-- transfer stands behind few that were due, and a shard whose queue is always long gets its due work all the same.
-- Locks: the rows that it takes. Those that another sweeper has taken are skipped. Nothing waits for a shard.
-- now(), not clock_timestamp(): a volatile function is no condition of an index.
-- Index: shards_pkey; per shard due_next, and only where something is due (OFFSET 0) queue_pkey from the floor on; per row
-- transfers_pkey.
WITH ready AS MATERIALIZED (
    SELECT s.shard, greatest(%(most)s - depth.queued, %(least)s) AS room
      FROM (
            SELECT shards.shard, shards.floor
              FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) shards
             CROSS JOIN LATERAL (SELECT FROM due WHERE due.shard = shards.shard AND due_at <= now() LIMIT 1) due
            OFFSET 0
           ) s
     CROSS JOIN LATERAL (
            SELECT count(*) AS queued FROM (SELECT FROM queue WHERE shard = s.shard AND position >= s.floor LIMIT %(most)s) q
           ) depth
), taken AS MATERIALIZED (
    SELECT d.*
      FROM ready
     CROSS JOIN LATERAL (
            SELECT ctid AS place, wallet_id, transfer_id, verb, shard, due_at
              FROM due
             WHERE due.shard = ready.shard AND due_at <= now()
             ORDER BY due.shard, due_at
             LIMIT ready.room
               FOR UPDATE SKIP LOCKED
           ) d
), begun AS (
    DELETE FROM due WHERE ctid = ANY (ARRAY(SELECT place FROM taken WHERE verb = 'apply'))
), ended AS (
    UPDATE due SET due_at = 'infinity' WHERE ctid = ANY (ARRAY(SELECT place FROM taken WHERE verb = 'release'))
), timed AS (
    UPDATE transfers
       SET apply_by = now() + make_interval(secs => apply_within_s)
     WHERE id = ANY (ARRAY(SELECT transfer_id FROM taken WHERE verb = 'apply')) AND apply_within_s IS NOT NULL
), wanted AS MATERIALIZED (
    SELECT taken.shard, taken.due_at, waits.id AS transfer_id
      FROM taken
     CROSS JOIN LATERAL (
            SELECT id FROM transfers WHERE id = taken.transfer_id AND status = 'queued' AND shard = taken.shard OFFSET 0
           ) waits
     WHERE taken.verb = 'apply'
    UNION ALL
    SELECT shard, due_at, transfer_id FROM release_expired(ARRAY(SELECT transfer_id FROM taken WHERE verb = 'release'))
), queued AS (
    INSERT INTO queue (shard, transfer_id)
    SELECT shard, transfer_id FROM wanted ORDER BY due_at
    RETURNING shard
)
SELECT shard, count(*) >= min(room) AS more FROM queued JOIN ready USING (shard) GROUP BY shard
