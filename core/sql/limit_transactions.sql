-- Ends each later transaction of this session that takes for too long, whatever it waits for. PostgreSQL 16 knows no such limit: there
-- nothing is set. Locks nothing.
SELECT set_config(name, %(limit)s, false)
  FROM pg_settings
 WHERE name = 'transaction_timeout'
