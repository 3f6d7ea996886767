-- Finding: who submitted a transfer.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- The id of the key that submitted the transfer, or 'configured' for the key of the settings. NULL for what no key submitted, and for
-- transfers of earlier versions. NOT VALID: only new rows are checked, and no table is read.
ALTER TABLE transfers ADD COLUMN submitted_by text;
ALTER TABLE transfers ADD CONSTRAINT submitted_by_length CHECK (octet_length(submitted_by) BETWEEN 1 AND 30) NOT VALID;
