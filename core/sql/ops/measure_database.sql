-- Returns the server's version, the newest migration, the size of this database in bytes, and how many connections the server has and
-- allows, of all databases. Locks nothing. Reads the records of migrations whole, and asks the file system for each file's size.
SELECT current_setting('server_version') AS version,
       (SELECT max(name) FROM migrations) AS schema,
       pg_database_size(current_database()) AS size_bytes,
       (SELECT sum(numbackends)::integer FROM pg_stat_database) AS used,
       current_setting('max_connections')::integer AS allowed
