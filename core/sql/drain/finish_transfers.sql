-- Writes outcomes, their events and fan-outs. Must run once per transaction.
-- The guard on `status` keeps a final transfer final, so the caller must compare the number of rows. The UPDATE is HOT.
-- Events have the order of the input and the moment of this transaction. The inner SELECT computes the moment once, not per row.
-- A fan-out is one small row per audience that may have endpoints or callback URLs. The deliverer makes the deliveries from it
-- later, because callers decide how many there are. Each row returns whether there is a fan-out.
-- `finished_at` is never before `created_at`, even if the clock was set back: finished_not_before_created would stop the shard.
-- A client's endpoints are those of all its wallets, so they are found by the client.
-- Locks: the transfers. Index: transfers_pkey, wallets_pkey, webhook_endpoints_client, webhook_endpoints_operators. Whether any
-- client has an endpoint is read once, not per row; its ORDER BY leaves no index but that of the clients.
WITH finished AS (
    UPDATE transfers t
       SET status = CASE WHEN outcome.failure_code IS NULL THEN 'applied' ELSE 'rejected' END,
           failure_code = outcome.failure_code,
           moved = outcome.moved,
           unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN outcome.moved END,
           finished_at = greatest(clock_timestamp(), t.created_at),
           moment = (SELECT feed_moment()),
           ordinal = outcome.ordinal
      FROM unnest(%(transfer_id)b::uuid[], %(refusal)b::text[], %(moved)b::bigint[])
           WITH ORDINALITY AS outcome (id, failure_code, moved, ordinal)
     CROSS JOIN LATERAL (SELECT found.ctid AS place FROM transfers found WHERE found.id = outcome.id OFFSET 0) stored
     WHERE t.ctid = stored.place AND t.status = 'queued'
    RETURNING t.id, t.status, t.moment, t.ordinal, t.source, t.destination, t.wallet_ids, t.owner, t.callback_url, t.shard
), new_events AS (
    INSERT INTO events (transfer_ids)
    SELECT array_agg(id ORDER BY ordinal) FROM finished GROUP BY moment
), new_fan_outs AS (
    INSERT INTO fan_outs (audience, moment)
    SELECT 'parties', min(moment)
      FROM finished t
     WHERE callback_url IS NOT NULL
        OR ((SELECT client_id FROM webhook_endpoints WHERE client_id IS NOT NULL ORDER BY client_id LIMIT 1) IS NOT NULL
            AND EXISTS (SELECT
                          FROM (SELECT client_id FROM wallets WHERE id = ANY({{parties}}) OFFSET 0) party
                         CROSS JOIN LATERAL (
                                SELECT FROM webhook_endpoints WHERE client_id = party.client_id AND status = 'enabled' OFFSET 0
                               ) e))
    HAVING count(*) > 0
    UNION ALL
    SELECT 'operators', min(moment)
      FROM finished
     WHERE (SELECT EXISTS (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND status = 'enabled'))
    HAVING count(*) > 0
    RETURNING moment
)
SELECT EXISTS (SELECT FROM new_fan_outs) AS webhooks_due FROM finished
