-- Inserts an external wallet per shard, the source of its deposits. All entries then sum to zero, and no single row is hot.
INSERT INTO wallets (id, kind, currency)
SELECT unnest(%(ids)s::uuid[]), 'external', %(currency)s
