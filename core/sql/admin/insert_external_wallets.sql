-- Inserts an external wallet per shard, the source of its deposits. All entries then sum to zero, and no single row is hot.
-- Those of another currency are made with its first wallet: make_external_wallets (core/admin/migrations/0015_currencies.sql).
INSERT INTO wallets (id, kind, currency)
SELECT unnest(%(ids)s::uuid[]), 'external', %(currency)s
