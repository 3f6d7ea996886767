-- Inserts the shards. Runs once, after the first migration and under the migration lock.
INSERT INTO shards (shard)
SELECT unnest(%(shards)s::integer[])
