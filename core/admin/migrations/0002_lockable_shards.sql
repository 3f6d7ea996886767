-- Who locks a row needs the right to UPDATE one of its columns. This one is there to be granted: its value is always true, so the
-- application may lock shards and change nothing about them.
ALTER TABLE shards ADD COLUMN lockable boolean GENERATED ALWAYS AS (true) STORED;
