-- Stores a batch of submissions and queues them, in one statement: one transaction, one round trip. Returns those that it stored.
-- Leaves out a row whose key is in use (transfers_owner_key, or a client's or a wallet's), or whose wallets are missing, of the
-- wrong kind or of another currency: so no transfer touches two currencies. The caller looks these up by a later statement, because
-- this one cannot see what other transactions commit while it waits.
-- So are_keys_of_no_client reads again, after the INSERT, the clients and wallets that were made with these keys at the same time.
-- If there is one, it fails with a serialization failure, and the caller repeats it (core/admin/migrations/0009_one_effect.sql).
-- A repetition while the first try still runs may conflict at transfers_pkey before transfers_owner_key: so ON CONFLICT has no
-- target.
-- Positions have the order of arrival, so that transfers that a caller sent one after the other are applied in that order.
-- Locks: only the index entries of the keys, in the order of the keys, so that two batches with the same keys cannot deadlock.
-- Whether any wallet has a key is read once, not per row: few have one. Its ORDER BY leaves no index but that of the keys.
-- Index: wallet_identities_pkey twice per row, clients_idempotency_key_key and wallets_idempotency_key: OFFSET 0 leaves the planner no other
-- plan. IS TRUE makes it search the inserted ids by a hash table. As a join, planned for one or two rows, it would compare a
-- thousand with a thousand.
WITH submitted AS (
    SELECT *
      FROM unnest({{submission}}) WITH ORDINALITY AS submitted ({{submission.names}}, arrival)
), inserted AS (
    INSERT INTO transfers ({{submission.names}})
    SELECT {{submission.names of s}}
      FROM submitted s
     CROSS JOIN LATERAL (SELECT kind, currency FROM wallet_identities WHERE id = s.source OFFSET 0) source
     CROSS JOIN LATERAL (SELECT kind, currency FROM wallet_identities WHERE id = s.destination OFFSET 0) destination
     WHERE (source.kind = 'external') = (s.type = 'deposit')
       AND (destination.kind = 'external') = (s.type = 'withdrawal')
       AND source.currency = s.currency
       AND destination.currency = s.currency
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
     WHERE (s.id IN (SELECT id FROM inserted)) IS TRUE
     ORDER BY s.arrival
)
SELECT id, created_at
  FROM inserted
 WHERE (SELECT are_keys_of_no_client(array_agg(idempotency_key)) FROM inserted WHERE owner = 'operator')
