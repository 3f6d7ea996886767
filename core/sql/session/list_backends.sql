-- Which of these sessions this server still has; none when it is another server, or has been started again. Locks nothing.
SELECT pid
  FROM pg_stat_activity
 WHERE pid = ANY(%(pids)b::integer[])
   AND pg_postmaster_start_time()::text = %(server_started)b::text
