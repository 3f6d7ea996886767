-- Writes one record of the log and nothing else: the COMMIT of this statement waits for what every COMMIT waits for, the disk and each
-- synchronous standby. What was visible before it is then there too. It takes a transaction id, so use it once a batch.
-- setval locks no row and leaves no dead one. Source: PostgreSQL's sequence.c ("this transaction's commit will trigger a WAL flush and
-- wait for syncrep").
SELECT setval('fence', 1)
