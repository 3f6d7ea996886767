-- Inserts missing external wallets, of USD and of each currency that a client's wallet has, each with the sum and the number of its
-- entries. Reads all wallets, and the entries of these.
-- Index: wallets_pkey, entries_pkey.
INSERT INTO wallets (id, kind, currency, balance, version)
SELECT missing.id, 'external', missing.currency, coalesce(e.balance, 0), coalesce(e.version, 0)
  FROM (
        SELECT external_wallet(c.number, s.shard) AS id, c.code AS currency
          FROM currencies c
         CROSS JOIN shards s
         WHERE c.code = 'USD' OR c.code IN (SELECT currency FROM wallets WHERE kind = 'client')
       ) missing
 CROSS JOIN LATERAL (SELECT sum(amount)::bigint AS balance, count(*) AS version FROM entries WHERE wallet_id = missing.id) e
 WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.id = missing.id)
