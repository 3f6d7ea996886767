-- Writes verdicts, and what comes of them: the events, in this order, at the moment of this transaction, and a delivery for
-- everybody who is to be told. To be run once in a transaction. The guard on `status` makes a final state final: the number of rows
-- must be asserted. The UPDATE is HOT. A clock that was set back meanwhile does not date a verdict before its acceptance:
-- finished_not_before_created would stop the shard. The inner SELECT asks for the moment once, not once a row. Leans on
-- transfers_pkey, and on webhook_endpoints_wallet, where endpoints without a wallet are the operator's. Where there is no endpoint,
-- that is asked once, not once a row. Each row says whether anybody is to be told of any.
WITH finished AS (
    UPDATE transfers t
       SET status = CASE WHEN verdict.failure_code IS NULL THEN 'applied' ELSE 'rejected' END,
           failure_code = verdict.failure_code,
           finished_at = greatest(clock_timestamp(), t.created_at),
           moment = (SELECT feed_moment()),
           ordinal = verdict.ordinal
      FROM unnest(%(ids)b::uuid[], %(failure_codes)b::text[]) WITH ORDINALITY AS verdict (id, failure_code, ordinal)
     CROSS JOIN LATERAL (SELECT found.ctid AS place FROM transfers found WHERE found.id = verdict.id OFFSET 0) stored
     WHERE t.ctid = stored.place AND t.status = 'queued'
    RETURNING t.id, t.status, t.moment, t.ordinal, t.source, t.destination, t.owner, t.callback_url, t.shard
), told AS (
    INSERT INTO events (transfer_ids)
    SELECT array_agg(id ORDER BY ordinal) FROM finished GROUP BY moment
), to_be_told AS (
    INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)
    SELECT owner, lower(substring(callback_url FROM '^[^/]*//(\[[^]]*\]|[^/:?]*)')), id, NULL, shard
      FROM finished
     WHERE callback_url IS NOT NULL
    UNION ALL
    SELECT e.owner, e.id::text, f.id, e.id, f.shard
      FROM finished f
      JOIN webhook_endpoints e ON e.wallet_id IS NULL
       AND e.status = 'enabled' AND 'transfer.' || f.status = ANY(e.events)
     WHERE (SELECT EXISTS (SELECT FROM webhook_endpoints))
    UNION ALL
    SELECT e.owner, e.id::text, f.id, e.id, f.shard
      FROM finished f
      JOIN webhook_endpoints e ON e.wallet_id = ANY(ARRAY[f.source, f.destination])
       AND e.status = 'enabled' AND 'transfer.' || f.status = ANY(e.events)
     WHERE (SELECT EXISTS (SELECT FROM webhook_endpoints))
    RETURNING id
)
SELECT EXISTS (SELECT FROM to_be_told) AS is_anybody_told FROM finished
