-- Returns the conditions without which a 202 may be false: the server is writable, durable and migrated.
-- Asks about durability in the session that will commit, whatever the defaults of the server, database and role are.
-- Locks nothing.
SELECT pg_is_in_recovery() AS standby,
       NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable,
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
       AND current_setting('synchronous_commit') <> 'off' AS durable,
       to_regclass('migrations') IS NOT NULL AS migrated_before
