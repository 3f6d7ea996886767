-- Makes an external wallet a shard: the other side of its deposits, so that all entries sum to zero without a hot row.
INSERT INTO wallets (id, kind, currency)
SELECT unnest(%(ids)s::uuid[]), 'external', %(currency)s
