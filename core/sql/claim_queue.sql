-- The shard's next transfers in order of acceptance. To be run after lock_shard, as a statement of its own: its snapshot then
-- holds all that the lock's last holder has committed. Locks nothing. Leans on queue_pkey, and on transfers_pkey a row.
SELECT q.position, t.id AS transfer_id, t.source, t.destination, t.amount
  FROM queue q
  JOIN transfers t ON t.id = q.transfer_id
 WHERE q.shard = %(shard)s
 ORDER BY q.position
 LIMIT %(limit)s
