-- Returns the names of the applied migrations.
SELECT name FROM migrations
