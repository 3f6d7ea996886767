-- Stores a batch of submissions of which some are special, as transfers/insert does for plain ones. Returns those that it stored.
-- A scheduled one gets a row in `due` and no place in the queue yet. The deadline of the others counts from now, and a hold's end
-- from now or from its time. `closes` is stored where it is true.
-- Lines are those of clients' wallets, of the transfer's currency. The third and further of them get a row in `parties`. Each column
-- of lines is the text of an array.
-- The wallets are of kinds that the type may have (core/ledger/kinds.py). The parent was read before, and its row never goes. The
-- drain refuses a child whose wallets or whose type do not fit its parent.
-- Locks and indexes: as transfers/insert.
WITH submitted AS (
    SELECT *
      FROM unnest({{submission}}, %(parent)b::uuid[], %(fit)b::text[], %(closes)b::boolean[], %(scheduled_for)b::timestamptz[],
                  %(apply_within_s)b::integer[], %(expires_in_s)b::integer[], %(wallet_ids)b::text[], %(amounts)b::text[])
           WITH ORDINALITY AS submitted ({{submission.names}}, parent, fit, closes, scheduled_for, apply_within_s, expires_in_s,
                                         wallet_ids, amounts, arrival)
), inserted AS (
    INSERT INTO transfers ({{submission.names}}, parent, fit, closes, scheduled_for, apply_within_s, apply_by, expires_at,
                           wallet_ids, amounts)
    SELECT {{submission.names of s}}, s.parent, s.fit, nullif(s.closes, false), s.scheduled_for, s.apply_within_s,
           CASE WHEN s.scheduled_for IS NULL THEN now() + make_interval(secs => s.apply_within_s) END,
           coalesce(s.scheduled_for, now()) + make_interval(secs => s.expires_in_s),
           s.wallet_ids::uuid[], s.amounts::bigint[]
      FROM submitted s
     CROSS JOIN LATERAL (SELECT kind FROM wallets WHERE id = s.source OFFSET 0) source
     CROSS JOIN LATERAL (SELECT kind FROM wallets WHERE id = s.destination OFFSET 0) destination
     WHERE CASE
               WHEN source.kind = 'client' AND destination.kind = 'client' THEN s.type NOT IN ('deposit', 'withdrawal')
               WHEN source.kind = 'client' THEN s.type NOT IN ('deposit', 'transfer')
               WHEN destination.kind = 'client' THEN s.type IN ('deposit', 'reversal')
               ELSE false
           END
       AND NOT EXISTS (
            SELECT
              FROM unnest(s.wallet_ids::uuid[]) AS line (wallet_id)
              LEFT JOIN LATERAL (SELECT kind, currency FROM wallets WHERE id = line.wallet_id OFFSET 0) w ON true
             WHERE (w.kind = 'client' AND w.currency = s.currency) IS NOT TRUE
           )
       AND (s.owner <> 'operator'
            OR NOT EXISTS (SELECT FROM clients WHERE clients.idempotency_key = s.idempotency_key OFFSET 0))
     ORDER BY s.owner, s.idempotency_key, s.arrival
    ON CONFLICT DO NOTHING
    RETURNING id, created_at, owner, idempotency_key
), queued AS (
    INSERT INTO queue (shard, transfer_id)
    SELECT s.shard, s.id
      FROM submitted s
     WHERE s.scheduled_for IS NULL AND (s.id IN (SELECT id FROM inserted)) IS TRUE
     ORDER BY s.arrival
), scheduled AS (
    INSERT INTO due (wallet_id, transfer_id, shard, due_at)
    SELECT s.source, s.id, s.shard, s.scheduled_for
      FROM submitted s
     WHERE s.scheduled_for IS NOT NULL AND (s.id IN (SELECT id FROM inserted)) IS TRUE
), further_parties AS (
    INSERT INTO parties (wallet_id, transfer_id)
    SELECT line.wallet_id, s.id
      FROM submitted s
     CROSS JOIN LATERAL unnest(s.wallet_ids::uuid[]) AS line (wallet_id)
     WHERE line.wallet_id NOT IN (s.source, s.destination) AND (s.id IN (SELECT id FROM inserted)) IS TRUE
)
SELECT id, created_at
  FROM inserted
 WHERE (SELECT are_keys_of_no_client(array_agg(idempotency_key)) FROM inserted WHERE owner = 'operator')
