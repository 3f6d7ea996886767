-- Returns functions of PostgreSQL that fill the server's disk, that each role may run by default, and that Teller does not use.
-- They write messages to the write-ahead log, large objects, and files of snapshots.
-- By name, because their parameters differ between versions. Reads the catalogue.
SELECT oid::regprocedure::text
  FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND proname IN ('pg_logical_emit_message', 'pg_export_snapshot', 'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_open',
                   'lo_put', 'lowrite', 'lo_truncate', 'lo_truncate64', 'lo_unlink')
   AND has_function_privilege('public', oid, 'EXECUTE')
