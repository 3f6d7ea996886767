-- Where a shard's queue begins. While a snapshot is held, Postgres keeps the index entries of all rows that were deleted since, and a
-- look for the shard's lowest position would read every one of them. No row of this shard with a position below `floor` is in the
-- queue, and none will ever be: every look at the queue begins there. How a worker knows that is told in worker/ledger/floors.py.
-- Zero is true of every queue: positions begin with 1.
ALTER TABLE shards ADD COLUMN floor bigint NOT NULL DEFAULT 0 CONSTRAINT floor_not_negative CHECK (floor >= 0);

-- An index on (source, id) can also serve a look by id, by reading all of it, and does where the statistics were taken of an empty
-- table: there it seems to cost the same as the index on (id). With a predicate that only a value for the first column
-- proves, it serves for nothing else.
-- Made beside the old ones: reads go on while they are built, and writes wait.
CREATE INDEX transfers_source_first ON transfers (source, id) WHERE source IS NOT NULL;
CREATE INDEX transfers_destination_first ON transfers (destination, id) WHERE destination IS NOT NULL;
CREATE INDEX keys_client_first ON keys (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX webhook_endpoints_owner_first ON webhook_endpoints (owner, id) WHERE owner IS NOT NULL;
DROP INDEX transfers_source, transfers_destination, keys_client, webhook_endpoints_owner;
ALTER INDEX transfers_source_first RENAME TO transfers_source;
ALTER INDEX transfers_destination_first RENAME TO transfers_destination;
ALTER INDEX keys_client_first RENAME TO keys_client;
ALTER INDEX webhook_endpoints_owner_first RENAME TO webhook_endpoints_owner;
