-- Shards whose next transfer has waited for longer than it should. Locks nothing. A look at queue_pkey a shard, and at transfers_pkey:
-- joined inside, as claim_queue does, because a place in the queue for nobody would else hide all that waits behind it.
-- A time that is yet to come is of a clock that has been set back since, or of another server's: nobody knows how old that one is.
SELECT s.shard
  FROM shards s
 CROSS JOIN LATERAL (
        SELECT t.created_at
          FROM queue q
          JOIN transfers t ON t.id = q.transfer_id
         WHERE q.shard = s.shard
         ORDER BY q.position
         LIMIT 1
       ) head
 WHERE head.created_at < clock_timestamp() - make_interval(secs => %(waited_s)s)
    OR head.created_at > clock_timestamp()
 ORDER BY head.created_at
