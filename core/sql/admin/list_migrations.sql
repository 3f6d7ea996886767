-- The migrations that have been applied.
SELECT name FROM migrations
