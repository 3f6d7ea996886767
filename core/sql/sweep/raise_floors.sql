-- Raises the floors that lag by enough to be worth a new version of the shard's row: to the first position that is queued, or behind all that
-- is settled; returns the shards. To be run as a statement of its own, begun after that was settled (see worker/ledger/floors.py). Locks the
-- rows of these shards once all floors are known, but for those that a drain has locked; a floor only rises. Leans on shards_pkey, and
-- on queue_pkey from the floor on, a look a shard.
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
