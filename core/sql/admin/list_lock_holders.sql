-- Returns the other sessions that hold locks which an audit or a migration waits for: the strongest lock first, then the oldest.
-- Each has the pid, the role, the lock and its object. Postgres shows the start of its transaction and the first word of its
-- statement only if this role may see them.
-- Locks nothing.
SELECT a.pid, a.usename AS role, l.mode, coalesce(l.relation::regclass::text, 'migration') AS held, a.xact_start AS since,
       upper(substring(a.query FROM '^\s*([A-Za-z]+)')) AS verb
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.granted
   AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND ((l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %(migration)s AND l.objsubid = 1)
        OR l.relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'))
   AND l.mode = ANY (%(modes)s::text[])
 ORDER BY l.locktype = 'advisory' DESC, l.mode = 'AccessExclusiveLock' DESC, a.xact_start, a.pid
 LIMIT %(limit)s
