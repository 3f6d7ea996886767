-- What decides whether a 202 would be true: writable, durable, migrated. Durable is asked of the session that will commit, whatever
-- its server, database and role say by default. Locks nothing.
SELECT pg_is_in_recovery() AS standby,
       NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable,
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
       AND current_setting('synchronous_commit') <> 'off' AS durable,
       to_regclass('migrations') IS NOT NULL AS migrated_before
