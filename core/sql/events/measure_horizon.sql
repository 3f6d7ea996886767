-- Returns the oldest transaction id that has not ended, of all databases, and the next id. They are equal if none is open.
-- The feed returns events below the first. Locks nothing.
SELECT pg_snapshot_xmin(now_open)::text::bigint AS oldest, pg_snapshot_xmax(now_open)::text::bigint AS next
  FROM pg_current_snapshot() now_open
