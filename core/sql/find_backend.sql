-- In which session of the server this statement runs, and the mark that set_session has left there. Locks nothing.
SELECT pg_backend_pid(), current_setting('teller.session', true)
