-- Returns the session of a transaction id, of any database. `since` and `state` are NULL for a session that is not Teller's; there is
-- no row for a prepared transaction. Locks nothing.
SELECT a.pid, a.application_name AS application, t.in_transaction_since AS since, t.state
  FROM pg_stat_activity a
  LEFT JOIN sessions_of_teller() t ON t.pid = a.pid
 WHERE a.backend_xid = (%(oldest)s::bigint & 4294967295)::text::xid
 LIMIT 1
