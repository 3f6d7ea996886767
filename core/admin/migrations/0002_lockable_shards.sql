-- To lock a row, a role needs the right to UPDATE one of its columns. This column exists to be granted. Its value is always true,
-- so the application may lock shards and change nothing of them.
ALTER TABLE shards ADD COLUMN lockable boolean GENERATED ALWAYS AS (true) STORED;
