-- Counts the queued transfers of each client that has at least a given number of them.
-- Reads transfers for each row of the queue, so it must run only if more are queued than one client may have.
-- Locks nothing. Index: shards_pkey, queue_pkey from each shard's floor on, transfers_pkey per row.
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
