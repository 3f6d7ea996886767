-- Returns the server's session in which this statement runs, and the mark that session/set has left in it.
-- Locks nothing.
SELECT pg_backend_pid(), current_setting('teller.session', true)
