-- Lists those of these sessions that this server still has; none after a restart, and on another server. Locks nothing.
SELECT pid
  FROM pg_stat_activity
 WHERE pid = ANY(%(pids)b::integer[])
   AND pg_postmaster_start_time()::text = %(server_started)b::text
