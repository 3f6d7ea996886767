-- Counts the shards. The first migration fixed their number.
SELECT count(*) AS shards FROM shards
