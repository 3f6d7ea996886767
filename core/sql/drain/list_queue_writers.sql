-- Returns the open transactions that have written to the queue or may do so: those with the lock that an INSERT takes before it
-- draws its position.
-- Postgres makes a transaction's rows visible, or discards them, before it releases its locks. So for every later snapshot, a
-- transaction that is not in this list has ended. A prepared one keeps its number.
-- Reads the server's table of locks. Locks nothing else.
SELECT DISTINCT virtualtransaction
  FROM pg_locks
 WHERE locktype = 'relation'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND relation = 'queue'::regclass
   AND mode = 'RowExclusiveLock'
   AND granted
