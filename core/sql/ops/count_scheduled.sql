-- Counts the transfers that wait for their time, up to a limit.
-- Locks nothing. Index: due_scheduled, so its cost depends on no more rows than the limit.
SELECT count(*) AS scheduled
  FROM (SELECT FROM due WHERE verb = 'apply' ORDER BY transfer_id LIMIT %(most)s) counted
