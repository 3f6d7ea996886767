-- Takes out of the queue what no API put there: places of transfers that do not exist or are final, a transfer's second place, and a place
-- in another shard than the transfer's, for which it gets one in its own. Costs what waits. A place that a drain takes away first is
-- left to it. Leans on transfers_pkey a row.
WITH judged AS (
    SELECT q.shard, q.position, q.transfer_id,
           coalesce(t.status = 'queued' AND t.shard = q.shard, false)
           AND row_number() OVER (PARTITION BY q.transfer_id, q.shard = t.shard ORDER BY q.position) = 1 AS fits
      FROM queue q
      LEFT JOIN transfers t ON t.id = q.transfer_id
), removed AS (
    DELETE FROM queue q
     USING judged j
     WHERE q.shard = j.shard AND q.position = j.position AND NOT j.fits
    RETURNING q.transfer_id
), moved AS (
    INSERT INTO queue (shard, transfer_id)
    SELECT t.shard, t.id
      FROM transfers t
     WHERE t.id IN (SELECT transfer_id FROM removed)
       AND t.status = 'queued'
       AND NOT EXISTS (SELECT FROM judged j WHERE j.transfer_id = t.id AND j.fits)
     ORDER BY t.created_at, t.id
)
SELECT transfer_id FROM removed
