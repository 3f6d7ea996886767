-- Stores a batch of submissions of which some are special, as transfers/insert does for plain ones. Returns those that it stored.
-- A scheduled one gets a row in `due` and no place in the queue yet; a time that has passed means now. The deadline of the others
-- counts from now, and a hold's end from now or from its time. `closes` and `sweeps` are stored where they are true. A closure has no
-- `apply_within_s`: an older worker would take it for special, and give up on it.
-- Lines are those of clients' wallets. The third and further of them get a row in `parties`. Each column of lines is the text of an
-- array.
-- The wallets are of kinds that the type may have (core/ledger/kinds.py), and of the transfer's currency. The parent was read
-- before, and its row never goes. The drain refuses a child whose wallets or whose type do not fit its parent.
-- Locks and indexes: as transfers/insert.
WITH submitted AS (
    SELECT {{submission.names}}, parent, fit, closes, CASE WHEN scheduled_for > now() THEN scheduled_for END AS scheduled_for,
           apply_within_s, expires_in_s, sweeps, wallet_ids, amounts, arrival
      FROM unnest({{submission}}, %(parent)b::uuid[], %(fit)b::text[], %(closes)b::boolean[], %(scheduled_for)b::timestamptz[],
                  %(apply_within_s)b::integer[], %(expires_in_s)b::integer[], %(sweeps)b::boolean[],
                  %(wallet_ids)b::text[], %(amounts)b::text[])
           WITH ORDINALITY AS submitted ({{submission.names}}, parent, fit, closes, scheduled_for, apply_within_s, expires_in_s, sweeps,
                                         wallet_ids, amounts, arrival)
), inserted AS (
    INSERT INTO transfers ({{submission.names}}, parent, fit, closes, scheduled_for, apply_within_s, apply_by, expires_at,
                           sweeps, wallet_ids, amounts)
    SELECT {{submission.names of s}}, s.parent, s.fit, nullif(s.closes, false), s.scheduled_for,
           CASE WHEN s.type <> 'closure' THEN s.apply_within_s END,
           CASE WHEN s.scheduled_for IS NULL THEN now() + make_interval(secs => s.apply_within_s) END,
           coalesce(s.scheduled_for, now()) + make_interval(secs => s.expires_in_s), nullif(s.sweeps, false),
           s.wallet_ids::uuid[], s.amounts::bigint[]
      FROM submitted s
     CROSS JOIN LATERAL (SELECT kind, currency FROM wallet_identities WHERE id = s.source OFFSET 0) source
     CROSS JOIN LATERAL (SELECT kind, currency FROM wallet_identities WHERE id = s.destination OFFSET 0) destination
     WHERE CASE
               WHEN source.kind = 'client' AND destination.kind = 'client' THEN s.type NOT IN ('deposit', 'withdrawal')
               WHEN source.kind = 'client' THEN s.type NOT IN ('deposit', 'transfer')
               WHEN destination.kind = 'client' THEN s.type IN ('deposit', 'reversal')
               ELSE false
           END
       AND source.currency = s.currency
       AND destination.currency = s.currency
       AND NOT EXISTS (
            SELECT
              FROM unnest(s.wallet_ids::uuid[]) AS line (wallet_id)
              LEFT JOIN LATERAL (SELECT kind, currency FROM wallet_identities WHERE id = line.wallet_id OFFSET 0) w ON true
             WHERE (w.kind = 'client' AND w.currency = s.currency) IS NOT TRUE
           )
       AND (s.owner <> 'operator'
            OR (NOT EXISTS (SELECT FROM clients WHERE clients.idempotency_key = s.idempotency_key OFFSET 0)
                AND ((SELECT idempotency_key FROM wallets WHERE idempotency_key IS NOT NULL ORDER BY idempotency_key LIMIT 1) IS NULL
                     OR NOT EXISTS (SELECT FROM wallets WHERE wallets.idempotency_key = s.idempotency_key OFFSET 0))))
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
