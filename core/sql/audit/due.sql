-- Each open hold has its end in `due`: infinity while its release is queued, later than a second after its time if a release was given
-- up on, and else a second after its time. Nothing else has one. What is due to be applied is a queued transfer that is scheduled for
-- that time.
-- Reads all transfers and all rows of `due`, by hash joins.
SELECT 'transfer' AS kind, coalesce(h.id, d.transfer_id) AS id,
       CASE WHEN h.id IS NULL THEN 'is no open hold, and has an end at ' || d.due_at
            WHEN d.transfer_id IS NULL THEN 'is an open hold without an end'
            ELSE 'is an open hold of shard ' || h.shard || ' until ' || h.expires_at || ', and ends at ' || d.due_at || ' of shard '
                 || d.shard END AS detail
  FROM (
        SELECT id, source, shard, expires_at
          FROM transfers
         WHERE type = 'hold' AND status = 'applied' AND amount > coalesce(captured, 0) + coalesce(returned, 0)
       ) h
  FULL JOIN (SELECT * FROM due WHERE verb = 'release') d ON d.transfer_id = h.id
 WHERE h.id IS NULL
    OR d.transfer_id IS NULL
    OR (d.wallet_id, d.shard) <> (h.source, h.shard)
    OR CASE WHEN d.due_at = h.expires_at + interval '1 second' THEN false
            ELSE NOT EXISTS (
                SELECT FROM transfers r
                 WHERE r.parent = h.id AND starts_with(r.idempotency_key, 'expiry ')
                   AND CASE WHEN d.due_at = 'infinity' THEN r.status = 'queued'
                            ELSE r.failure_code = 'internal' AND d.due_at > h.expires_at END) END
UNION ALL
SELECT 'transfer', d.transfer_id,
       'is ' || coalesce(t.status, 'missing') || ', scheduled for ' || coalesce(t.scheduled_for::text, 'no time') || ', and due at ' || d.due_at
  FROM due d
  LEFT JOIN transfers t ON t.id = d.transfer_id
 WHERE d.verb = 'apply'
   AND (t.status = 'queued' AND t.scheduled_for = d.due_at AND (t.source, t.shard) = (d.wallet_id, d.shard)) IS NOT TRUE
