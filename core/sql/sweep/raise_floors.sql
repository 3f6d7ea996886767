-- Raises the floors that lag by at least `lag` positions: to the first queued position, or above all settled ones. Returns the
-- shards.
-- Must be a statement of its own that starts after these positions were settled (see worker/ledger/floors.py). A floor only rises.
-- The lag is worth a new version of the shard's row.
-- Locks: the shards that it changes, after it has computed all floors. Those that a drain has locked are skipped.
-- Index: shards_pkey, and queue_pkey from the floor on, one entry per shard.
WITH known AS MATERIALIZED (
    SELECT s.shard, least(%(settled)s + 1, head.position) AS floor
      FROM (SELECT shard, floor FROM shards ORDER BY shard OFFSET 0) s
      LEFT JOIN LATERAL (
            SELECT position FROM queue WHERE shard = s.shard AND position >= s.floor ORDER BY position LIMIT 1
           ) head ON true
), raised AS MATERIALIZED (
    SELECT known.shard, known.floor
      FROM known
      JOIN shards ON shards.shard = known.shard AND shards.floor + %(lag)s <= known.floor
       FOR UPDATE OF shards SKIP LOCKED
)
UPDATE shards
   SET floor = raised.floor
  FROM raised
 WHERE shards.shard = raised.shard AND shards.floor < raised.floor
RETURNING shards.shard
