-- Functions of PostgreSQL that every role may run by default, that Teller does not use, and that fill the server's disk: a message in the
-- write-ahead log, large objects, a snapshot's file. By name, because their parameters differ between versions. Reads the catalogue.
SELECT oid::regprocedure::text
  FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND proname IN ('pg_logical_emit_message', 'pg_export_snapshot', 'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_open',
                   'lo_put', 'lowrite', 'lo_truncate', 'lo_truncate64', 'lo_unlink')
   AND has_function_privilege('public', oid, 'EXECUTE')
