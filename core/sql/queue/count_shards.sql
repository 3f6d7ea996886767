-- How many shards there are: fixed by the first migration.
SELECT count(*) AS shards FROM shards
