-- The queue contains exactly the queued transfers, each once, in the shard of its wallet. A scheduled one is in `due` instead.
-- The shard is the low bits of the debited wallet's id; if that is an external one, of the credited wallet's
-- (core/ledger/sharding.py).
SELECT 'transfer' AS kind, coalesce(t.id, q.transfer_id) AS id,
       'is ' || coalesce(t.status, 'missing') || ' in shard ' || coalesce(t.shard::text, 'none') || ' and has ' || coalesce(q.places, 0)
       || ' places in the queue or times at which it is due' || coalesce(', of shard ' || q.shard, '') AS detail
  FROM transfers t
  FULL JOIN (
        SELECT transfer_id, count(*) AS places, min(shard) AS shard
          FROM (SELECT transfer_id, shard FROM queue UNION ALL SELECT transfer_id, shard FROM due WHERE verb = 'apply') place
         GROUP BY transfer_id
       ) q ON q.transfer_id = t.id
 WHERE t.id IS NULL
    OR (t.status = 'queued') <> (coalesce(q.places, 0) = 1)
    OR coalesce(q.places, 0) > 1
    OR q.shard <> t.shard
    OR t.shard <> (
        ('x' || right((CASE WHEN starts_with(t.source::text, '00000000-0000-7000-8000-') THEN t.destination ELSE t.source END)::text, 4))
            ::bit(16)::integer
        & (SELECT max(shard) FROM shards)
       )
