-- Reads what a 202 depends on: whether the server is writable, commits are durable, and a migration was applied. Durability is read
-- from this session, because defaults of the server, the database and the role do not decide it. Locks nothing.
SELECT pg_is_in_recovery() AS standby,
       NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable,
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
       AND current_setting('synchronous_commit') <> 'off' AS durable,
       to_regclass('migrations') IS NOT NULL AS has_migrations
