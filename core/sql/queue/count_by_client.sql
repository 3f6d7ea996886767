-- How many of the transfers that wait were sent by each client, for those of whom at least so many wait. Locks nothing. Leans on
-- shards_pkey, on queue_pkey from each shard's floor on, and on transfers_pkey a row of the queue: not to be asked while less waits than
-- one client may have waiting.
SELECT t.owner, count(*) AS queued
  FROM (
        SELECT q.transfer_id
          FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
         CROSS JOIN LATERAL (SELECT transfer_id FROM queue WHERE shard = s.shard AND position >= s.floor OFFSET 0) q
         LIMIT %(most)s
       ) q
 CROSS JOIN LATERAL (SELECT owner FROM transfers WHERE id = q.transfer_id OFFSET 0) t
 WHERE t.owner <> 'operator'
 GROUP BY t.owner
HAVING count(*) >= %(at_least)s
