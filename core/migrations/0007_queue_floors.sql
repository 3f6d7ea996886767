-- Where a shard's queue begins. While a snapshot is held, Postgres keeps the index entries of all rows that were deleted since, and a
-- look for the shard's lowest position would read every one of them. No row of this shard with a position below `floor` is in the
-- queue, and none will ever be: every look at the queue begins there. How a worker knows that is told in worker/floors.py.
-- Zero is true of every queue: positions begin with 1.
ALTER TABLE shards ADD COLUMN floor bigint NOT NULL DEFAULT 0 CONSTRAINT floor_not_negative CHECK (floor >= 0);
