-- Returns the shards that a transaction has locked now, each with the name of its session: a drain locks the row of its shard.
-- A row keeps the id of its last locker. PostgreSQL shows every role which session has which transaction id, so only a running one
-- matches. Locks nothing. Reads the shards and the sessions whole.
SELECT s.shard, a.application_name AS application
  FROM (SELECT shard, xmax AS locker FROM shards OFFSET 0) s
  JOIN pg_stat_activity a ON a.backend_xid = s.locker
 ORDER BY s.shard
