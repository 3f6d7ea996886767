-- The oldest transaction of any database that has an id and has not ended, and the next id that is not given yet: equal where there is
-- none. Below the first the feed shows events. Locks nothing.
SELECT pg_snapshot_xmin(now_open)::text::bigint AS oldest, pg_snapshot_xmax(now_open)::text::bigint AS next
  FROM pg_current_snapshot() now_open
