-- Makes again the shards that are missing, as their external wallets tell (see core/ids.py): a wallet is in the shard of its id's low bits,
-- whatever their count is taken for. Reads the external wallets by the filter on all wallets' rows of that id range; leans on wallets_pkey.
INSERT INTO shards (shard)
SELECT ('x' || right(id::text, 8))::bit(32)::integer
  FROM wallets
 WHERE kind = 'external'
   AND id BETWEEN '00000000-0000-7000-8000-000000000000' AND '00000000-0000-7000-8000-ffffffffffff'
    ON CONFLICT DO NOTHING
