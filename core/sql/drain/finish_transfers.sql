-- Writes verdicts, and what comes of them: the events, in this order, at the moment of this transaction, and one small row for each
-- audience that may have something to be told of them, from which the deliverer makes the deliveries afterwards: how many these are is
-- set by callers. To be run once in a transaction. The guard on `status` makes a final state final: the number of rows
-- must be asserted. The UPDATE is HOT. A clock that was set back does not date a verdict before its acceptance:
-- finished_not_before_created would stop the shard. The inner SELECT asks for the moment once, not once a row. Leans on
-- transfers_pkey, and on webhook_endpoints_wallet and webhook_endpoints_operators. Where there is no endpoint, that is asked once, not
-- once a row. Each row says whether a delivery may have to be made.
WITH finished AS (
    UPDATE transfers t
       SET status = CASE WHEN verdict.failure_code IS NULL THEN 'applied' ELSE 'rejected' END,
           failure_code = verdict.failure_code,
           finished_at = greatest(clock_timestamp(), t.created_at),
           moment = (SELECT feed_moment()),
           ordinal = verdict.ordinal
      FROM unnest(%(transfer_id)b::uuid[], %(refusal)b::text[]) WITH ORDINALITY AS verdict (id, failure_code, ordinal)
     CROSS JOIN LATERAL (SELECT found.ctid AS place FROM transfers found WHERE found.id = verdict.id OFFSET 0) stored
     WHERE t.ctid = stored.place AND t.status = 'queued'
    RETURNING t.id, t.status, t.moment, t.ordinal, t.source, t.destination, t.owner, t.callback_url, t.shard
), told AS (
    INSERT INTO events (transfer_ids)
    SELECT array_agg(id ORDER BY ordinal) FROM finished GROUP BY moment
), fan_out AS (
    INSERT INTO fan_outs (audience, moment)
    SELECT 'parties', min(moment)
      FROM finished f
     WHERE callback_url IS NOT NULL
        OR ((SELECT EXISTS (SELECT FROM webhook_endpoints))
            AND EXISTS (SELECT FROM webhook_endpoints e
                         WHERE e.wallet_id = ANY(ARRAY[f.source, f.destination]) AND e.status = 'enabled'))
    HAVING count(*) > 0
    UNION ALL
    SELECT 'operators', min(moment)
      FROM finished
     WHERE (SELECT EXISTS (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND status = 'enabled'))
    HAVING count(*) > 0
    RETURNING moment
)
SELECT EXISTS (SELECT FROM fan_out) AS webhooks_due FROM finished
