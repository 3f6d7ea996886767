-- Stores when these holds, which the batch has opened, end. One second late, so that a capture that was accepted in time never stands
-- behind the release in the queue.
-- Index: due_pkey refuses a hold that is open already.
INSERT INTO due (wallet_id, transfer_id, verb, shard, due_at)
SELECT source, id, 'release', shard, expires_at + interval '1 second'
  FROM unnest(%(source)b::uuid[], %(id)b::uuid[], %(shard)b::integer[], %(expires_at)b::timestamptz[]) AS hold (source, id, shard, expires_at)
