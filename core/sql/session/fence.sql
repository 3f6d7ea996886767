-- Writes one WAL record and nothing else: its COMMIT waits for the disk and for each synchronous standby, as every COMMIT does. All
-- rows that were visible before it are durable then, too. It consumes a transaction id, so use it once a batch.
-- setval locks no row and leaves no dead one. Source: PostgreSQL's sequence.c ("this transaction's commit will trigger a WAL flush and
-- wait for syncrep").
SELECT setval('fence', 1)
