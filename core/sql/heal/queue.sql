-- Deletes from the queue what the API did not put there, and queues a transfer again in its own shard.
-- Deleted are positions of transfers that are missing or final, a second position of a transfer, and a position in another shard
-- than the transfer's. Reads the whole queue. A position that a drain deletes first is left to it.
-- Index: transfers_pkey per row.
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
