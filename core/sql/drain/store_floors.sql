-- Stores where the queues of these shards start. A floor only rises. Runs under the shards' locks.
-- Index: shards_pkey.
UPDATE shards
   SET floor = raised.floor
  FROM unnest(%(shards)b::integer[], %(floors)b::bigint[]) AS raised (shard, floor)
 CROSS JOIN LATERAL (SELECT s.ctid AS place FROM shards s WHERE s.shard = raised.shard AND s.floor < raised.floor OFFSET 0) found
 WHERE shards.ctid = found.place
