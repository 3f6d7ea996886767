-- Reads the pid of the server's session that runs this statement, and the mark that session/set has left there. Locks nothing.
SELECT pg_backend_pid(), current_setting('teller.session', true)
