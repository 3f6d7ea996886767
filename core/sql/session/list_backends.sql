-- Returns which of these sessions the server still has: none if it is another server, or was restarted.
-- Locks nothing.
SELECT pid
  FROM pg_stat_activity
 WHERE pid = ANY(%(pids)b::integer[])
   AND pg_postmaster_start_time()::text = %(server_started)b::text
