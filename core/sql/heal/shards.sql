-- Inserts missing shards again, one for each external wallet (core/ids.py): the low 10 bits of its id are the number of the shard.
-- Reads the external wallets by a filter on their range of ids. Index: wallets_pkey.
INSERT INTO shards (shard)
SELECT DISTINCT ('x' || right(id::text, 8))::bit(32)::integer & 1023
  FROM wallets
 WHERE kind = 'external'
   AND id BETWEEN '00000000-0000-7000-8000-000000000000' AND '00000000-0000-7000-8000-ffffffffffff'
    ON CONFLICT DO NOTHING
