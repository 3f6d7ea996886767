-- Makes deliveries to callback URLs and clients' endpoints for the next transfers of the oldest fan-outs.
-- Takes up to `transfers` of them, from moment `bound` on. Returns the receivers that now have due deliveries.
-- Takes the first transfer of each fan-out before the second of any, so that a large fan-out does not delay small ones.
-- The step is bounded: a transfer has at most one callback URL, and a client a limited number of endpoints. Two wallets a transfer are
-- the usual number: with transfers that have more, it ends where twice `transfers` wallets are reached.
-- An endpoint that was made after the outcome gets none. Where the two transactions overlapped, the clock decides.
-- A callback URL without a host of 1 to 260 characters makes no delivery. The audit reports its transfer.
-- A repeated step makes no delivery twice (deliveries_target). It records the receivers and its progress, and deletes finished
-- fan-outs.
-- Locks: the fan-outs. Those that another deliverer has locked are skipped.
-- Index: fan_outs_pkey, events_pkey, transfers_pkey, wallets_pkey, webhook_endpoints_client, deliveries_target, receivers_pkey.
WITH claimed AS MATERIALIZED (
    SELECT ctid AS row, moment, after_ordinal
      FROM fan_outs
     WHERE audience = 'parties' AND moment >= %(bound)s
     ORDER BY audience, moment
     LIMIT %(fan_outs)s
       FOR UPDATE SKIP LOCKED
), sized AS MATERIALIZED (
    SELECT c.row, c.moment, c.after_ordinal, event_row.transfer_ids, coalesce(cardinality(event_row.transfer_ids), 0) AS size
      FROM claimed c
      LEFT JOIN LATERAL (SELECT transfer_ids FROM events WHERE moment = c.moment OFFSET 0) event_row ON true
), offered AS MATERIALIZED (
    SELECT s.moment, s.after_ordinal + one.turn AS ordinal, one.turn, one.transfer_id
      FROM sized s
     CROSS JOIN LATERAL unnest(s.transfer_ids[s.after_ordinal + 1 : s.after_ordinal + %(transfers)s])
                        WITH ORDINALITY AS one (transfer_id, turn)
     ORDER BY one.turn, s.moment
     LIMIT %(transfers)s
), sized_offers AS MATERIALIZED (
    SELECT o.moment, o.ordinal, o.turn, t.id, t.status, t.owner, t.callback_url, t.shard, t.finished_at, {{parties}} AS wallet_ids
      FROM offered o
      LEFT JOIN LATERAL (
            SELECT id, status, source, destination, wallet_ids, owner, callback_url, shard, finished_at
              FROM transfers
             WHERE id = o.transfer_id
            OFFSET 0
           ) t ON true
), taken AS MATERIALIZED (
    SELECT *
      FROM (
            SELECT o.*, sum(cardinality(wallet_ids)) OVER (ORDER BY turn, moment) - cardinality(wallet_ids) AS wallets_before
              FROM sized_offers o
           ) counted
     WHERE wallets_before < 2 * %(transfers)s
), final AS MATERIALIZED (
    SELECT * FROM taken WHERE id IS NOT NULL
), recipients AS MATERIALIZED (
    SELECT f.owner, cut.host AS receiver, f.id, NULL::uuid AS endpoint_id, f.shard
      FROM final f
     CROSS JOIN LATERAL (
            SELECT lower(substring(f.callback_url FROM '^[^/]*//(\[[^]]*\]|[^/:?]*)')) AS host OFFSET 0
           ) cut
     WHERE char_length(cut.host) BETWEEN 1 AND 260
    UNION ALL
    SELECT e.owner, e.id::text, f.id, e.id, f.shard
      FROM final f
     CROSS JOIN LATERAL (SELECT client_id FROM wallets WHERE id = ANY(f.wallet_ids) OFFSET 0) party
     CROSS JOIN LATERAL (
            SELECT id, owner, status, events, since, created_at
              FROM webhook_endpoints
             WHERE client_id = party.client_id
            OFFSET 0
           ) e
     WHERE e.status = 'enabled'
       AND 'transfer.' || f.status = ANY(e.events)
       AND (f.moment >= e.since OR f.finished_at >= e.created_at)
), new_deliveries AS (
    INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard)
    SELECT owner, receiver, id, endpoint_id, shard FROM recipients
    ON CONFLICT ON CONSTRAINT deliveries_target DO NOTHING
    RETURNING owner, receiver
), due_receivers AS MATERIALIZED (
    SELECT DISTINCT owner COLLATE "C" AS owner, receiver COLLATE "C" AS receiver FROM recipients
), recorded AS (
    {{record_receivers}}
), progress AS MATERIALIZED (
    SELECT s.row, s.size, coalesce(max(u.ordinal), s.after_ordinal) AS ordinal, count(u.moment) > 0 AS has_moved
      FROM sized s
      LEFT JOIN taken u ON u.moment = s.moment
     GROUP BY s.row, s.size, s.after_ordinal
), advanced AS (
    UPDATE fan_outs f
       SET after_ordinal = (SELECT ordinal FROM progress p WHERE p.row = f.ctid)
     WHERE f.ctid = ANY(ARRAY(SELECT row FROM progress WHERE ordinal < size AND has_moved))
), finished AS (
    DELETE FROM fan_outs WHERE ctid = ANY(ARRAY(SELECT row FROM progress WHERE ordinal >= size)) RETURNING moment
)
{{fan_out_step}}
