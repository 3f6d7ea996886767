-- Makes the shards. Only the first migration does, under its lock.
INSERT INTO shards (shard)
SELECT unnest(%(shards)s::integer[])
