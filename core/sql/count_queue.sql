-- How many transfers wait, counted up to a limit. Locks nothing. Reads the queue, so it costs what waits.
SELECT count(*) AS queued FROM (SELECT FROM queue LIMIT %(most)s) q
