-- Sets the settings that a session needs, and returns the value in force of each in the same round trip. Sets only what any role
-- may set (context "user"). A setting that this server's version does not have is omitted. A default of remote_apply stays, because it
-- waits for more than "on" does. `before` is the mark that another connection of Teller left in this session of the server: it is
-- there only when a pooler in transaction mode lets connections share sessions. Locks nothing.
WITH wanted AS MATERIALIZED (
    SELECT w.name, w.value, s.context
      FROM unnest(%(names)b::text[], %(values)b::text[]) AS w (name, value)
      JOIN pg_catalog.pg_settings s ON s.name = w.name
), marked AS MATERIALIZED (
    SELECT pg_catalog.current_setting('teller.session', true) AS before, pg_catalog.set_config('teller.session', %(mark)b, false) AS after
), made AS MATERIALIZED (
    SELECT name, value,
           CASE WHEN context = 'user' AND (name <> 'synchronous_commit' OR pg_catalog.current_setting(name) <> 'remote_apply')
                THEN pg_catalog.set_config(name, value, false) END AS made
      FROM wanted
)
SELECT made.name, made.value, made.made, pg_catalog.current_setting(made.name) AS found, marked.before,
       pg_catalog.pg_backend_pid() AS pid, pg_catalog.pg_postmaster_start_time()::text AS server_started
  FROM made, marked
