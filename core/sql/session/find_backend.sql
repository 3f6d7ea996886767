-- In which session of the server this statement runs, and the mark that session/set has left there. Locks nothing.
SELECT pg_backend_pid(), current_setting('teller.session', true)
