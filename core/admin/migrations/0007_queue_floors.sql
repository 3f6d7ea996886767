-- The position at which each read of a shard's queue starts. While any session holds a snapshot, Postgres keeps the index entries
-- of all rows deleted since, and a search for the lowest position would read each of them. No row of this shard is in the queue
-- below `floor`, now or later; worker/ledger/floors.py says how a worker knows that. Zero fits every queue: positions start with 1.
ALTER TABLE shards ADD COLUMN floor bigint NOT NULL DEFAULT 0 CONSTRAINT floor_not_negative CHECK (floor >= 0);

-- The planner may also use an index on (source, id) to find an id, by reading all of it. It does so with statistics of an empty
-- table, where that seems to cost the same as the index on (id). With this predicate it uses the index only for a given first
-- column. Built beside the old indexes: reads continue during the build, and writes wait.
CREATE INDEX transfers_source_first ON transfers (source, id) WHERE source IS NOT NULL;
CREATE INDEX transfers_destination_first ON transfers (destination, id) WHERE destination IS NOT NULL;
CREATE INDEX keys_client_first ON keys (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX webhook_endpoints_owner_first ON webhook_endpoints (owner, id) WHERE owner IS NOT NULL;
DROP INDEX transfers_source, transfers_destination, keys_client, webhook_endpoints_owner;
ALTER INDEX transfers_source_first RENAME TO transfers_source;
ALTER INDEX transfers_destination_first RENAME TO transfers_destination;
ALTER INDEX keys_client_first RENAME TO keys_client;
ALTER INDEX webhook_endpoints_owner_first RENAME TO webhook_endpoints_owner;
