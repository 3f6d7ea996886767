-- Cancels a queued or scheduled transfer, unless a drain is faster. Returns whether webhooks are due; NULL if it changed nothing.
-- Locks: the transfer's shard until the transaction ends, waiting for a drain that has it; then its place, and the transfer
-- (core/admin/migrations/0012_money_verbs.sql).
-- Index: transfers_pkey, shards_pkey, due_pkey; and queue_pkey from the shard's floor on, so its cost depends on how many are queued.
SELECT cancel_transfer(%(id)s) AS webhooks_due
