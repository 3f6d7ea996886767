-- Inserts missing external wallets, each with the sum and the number of its entries. Reads only the entries of these.
-- Index: wallets_pkey, entries_pkey.
INSERT INTO wallets (id, kind, currency, balance, version)
SELECT missing.id, 'external', %(currency)s, coalesce(e.balance, 0), coalesce(e.version, 0)
  FROM (SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(shard), 12, '0'))::uuid AS id FROM shards) missing
 CROSS JOIN LATERAL (SELECT sum(amount)::bigint AS balance, count(*) AS version FROM entries WHERE wallet_id = missing.id) e
 WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.id = missing.id)
