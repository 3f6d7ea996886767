-- Writes one record to the write-ahead log. Its COMMIT waits for the disk and each synchronous standby, as each COMMIT does.
-- All that was visible before it is durable then. It takes a transaction id, so use it once per batch.
-- setval locks no row and leaves no dead one. Source: PostgreSQL's sequence.c ("this transaction's commit will trigger a WAL flush
-- and wait for syncrep").
SELECT setval('fence', 1)
