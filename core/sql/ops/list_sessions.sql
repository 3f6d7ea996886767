-- Returns the sessions of Teller's processes in this database, up to a limit. Times and state are NULL where the tables' owner may not
-- see them (core/admin/migrations/0020_viewers.sql). Locks nothing.
SELECT application, since, state, changed_at
  FROM sessions_of_teller()
 ORDER BY application
 LIMIT %(most)s
