-- Finding: which key submitted a transfer, what a rejected one lacked, and indexes for references, keys and names.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- The id of the key that submitted the transfer, or 'configured' for the key of the settings. NULL for what no key submitted, and
-- for transfers of earlier versions. NOT VALID: only new rows are checked, and no table is read.
ALTER TABLE transfers ADD COLUMN submitted_by text;
ALTER TABLE transfers ADD CONSTRAINT submitted_by_length CHECK (octet_length(submitted_by) BETWEEN 1 AND 30) NOT VALID;

-- What was available when a transfer was rejected, and what it needed, in minor units: of the debited wallet's funds or limit, or
-- of what the parent had left. NULL for other reasons, and for transfers that a worker of an earlier version rejected.
ALTER TABLE transfers ADD COLUMN available bigint, ADD COLUMN needed bigint;
ALTER TABLE transfers ADD CONSTRAINT figures_of_a_rejection CHECK (
    CASE WHEN available IS NULL THEN needed IS NULL
         ELSE (status = 'rejected' AND available >= 0 AND needed >= 1 AND needed > available AND needed <= 9007199254740991
               AND available <= 9007199254740991) IS TRUE END
) NOT VALID;

-- Finds the transfers of a reference. Most callers give none, and these are not in it; none of its columns changes. Compared byte
-- by byte, so no collation of the system decides. The table is read while writes wait: about a second for a million transfers.
CREATE INDEX transfers_reference ON transfers (reference COLLATE "C", id) WHERE reference IS NOT NULL;

-- The same key, in the other order: so a search finds the transfers of a key of any owner, and needs no index of its own.
-- Built while writes wait: about a second for a million transfers.
CREATE UNIQUE INDEX transfers_key_owner ON transfers (idempotency_key, owner);
ALTER TABLE transfers DROP CONSTRAINT transfers_owner_key;
ALTER TABLE transfers ADD CONSTRAINT transfers_owner_key UNIQUE USING INDEX transfers_key_owner;

-- Finds clients by how their names begin, without regard to case, and orders them by name. What lower() does with letters beyond
-- ASCII depends on the database's locale. The condition holds for each client. It keeps the planner from this index where a
-- statement compares no name.
CREATE INDEX clients_name ON clients (lower(name) COLLATE "C", id) WHERE name IS NOT NULL;
