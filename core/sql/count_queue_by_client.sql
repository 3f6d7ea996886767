-- How many of the transfers that wait were sent by each client, for those of whom at least so many wait. Locks nothing. Leans on
-- transfers_pkey a row of the queue: not to be asked while less waits than one client may have waiting.
SELECT t.owner, count(*) AS queued
  FROM (SELECT transfer_id FROM queue LIMIT %(most)s) q
  JOIN transfers t ON t.id = q.transfer_id
 WHERE t.owner <> 'operator'
 GROUP BY t.owner
HAVING count(*) >= %(at_least)s
