-- Returns the sessions of this database that wait for a lock, the longest wait first, up to a limit: each with the sessions that it
-- waits for. `state` is NULL for a session that is not Teller's. PostgreSQL shows the rest to every role. Locks nothing.
SELECT w.pid, w.application, w.waiting_seconds, pg_blocking_pids(w.pid) AS blocked_by, t.state
  FROM (
        SELECT l.pid, a.application_name AS application,
               coalesce(greatest(extract(epoch FROM clock_timestamp() - l.waitstart), 0), 0)::float8 AS waiting_seconds
          FROM (SELECT pid, waitstart FROM pg_locks WHERE NOT granted OFFSET 0) l
          JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
         ORDER BY waiting_seconds DESC, l.pid
         LIMIT %(most)s
       ) w
  LEFT JOIN sessions_of_teller() t ON t.pid = w.pid
 ORDER BY w.waiting_seconds DESC, w.pid
