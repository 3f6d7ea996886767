-- Stores when these holds, which the batch has opened, end. One second late, so that a capture that was accepted in time never stands
-- behind the release in the queue.
-- Index: transfers_pkey per row. due_pkey refuses a hold that is open already.
INSERT INTO due (wallet_id, transfer_id, verb, shard, due_at)
SELECT t.source, t.id, 'release', t.shard, t.expires_at + interval '1 second'
  FROM unnest(%(id)b::uuid[]) AS hold (id)
 CROSS JOIN LATERAL (SELECT id, source, shard, expires_at FROM transfers WHERE id = hold.id OFFSET 0) t
