-- The transactions that have written to the queue, or may, and have not ended: those that hold the lock which an INSERT takes before it
-- draws its position. Postgres makes a transaction's rows visible, or lets them go, before it releases its locks, so what is not here
-- has ended for every later snapshot. One that is prepared keeps its number. Reads the server's table of locks, and locks nothing else.
SELECT DISTINCT virtualtransaction
  FROM pg_locks
 WHERE locktype = 'relation'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND relation = 'queue'::regclass
   AND mode = 'RowExclusiveLock'
   AND granted
