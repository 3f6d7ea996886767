-- The next transfers of each shard, all in order of acceptance. To be run after lock_shards, as a statement of its own: its snapshot
-- then holds all that the locks' last holders have committed. Locks nothing. Leans on queue_pkey, and on transfers_pkey a row.
SELECT head.shard, head.position, head.id AS transfer_id, head.source, head.destination, head.amount
  FROM unnest(%(shards)b::integer[]) AS wanted (shard)
 CROSS JOIN LATERAL (
        SELECT q.shard, q.position, t.id, t.source, t.destination, t.amount
          FROM queue q
          JOIN transfers t ON t.id = q.transfer_id
         WHERE q.shard = wanted.shard
         ORDER BY q.position
         LIMIT %(limit)s
       ) head
 ORDER BY head.position
