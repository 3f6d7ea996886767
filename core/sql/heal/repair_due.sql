-- Gives each open hold its end, unless its release is queued or put off, and each transfer that is scheduled for later and has no place in the queue its time; changes those
-- that are wrong. Reads all transfers. Its transaction has locked the table of shards, so no drain runs.
INSERT INTO due AS d (wallet_id, transfer_id, verb, shard, due_at)
SELECT t.source, t.id, 'release', t.shard, t.expires_at + interval '1 second'
  FROM transfers t
 WHERE t.type = 'hold' AND t.status = 'applied' AND t.amount > coalesce(t.captured, 0) + coalesce(t.returned, 0)
   AND NOT EXISTS (SELECT FROM transfers r WHERE r.parent = t.id AND starts_with(r.idempotency_key, 'expiry ') AND r.status = 'queued')
UNION ALL
SELECT t.source, t.id, 'apply', t.shard, t.scheduled_for
  FROM transfers t
 WHERE t.status = 'queued' AND t.scheduled_for > now() AND NOT EXISTS (SELECT FROM queue q WHERE q.transfer_id = t.id)
    ON CONFLICT (transfer_id, verb) DO UPDATE
   SET wallet_id = excluded.wallet_id, shard = excluded.shard, due_at = excluded.due_at
 WHERE (d.wallet_id, d.shard) <> (excluded.wallet_id, excluded.shard)
    OR CASE WHEN d.due_at > excluded.due_at AND d.due_at < 'infinity'
            THEN NOT EXISTS (SELECT FROM transfers r WHERE r.parent = d.transfer_id AND r.failure_code = 'internal'
                                AND starts_with(r.idempotency_key, 'expiry '))
            ELSE d.due_at <> excluded.due_at END
