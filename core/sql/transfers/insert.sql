-- Stores a batch of submissions and their places in the queue: one statement, hence one transaction and one round trip.
-- Locks nothing but the index entries of the keys, in key order: two batches with the same keys cannot deadlock.
-- A key in use (transfers_owner_key, or a client's) and a wallet that is missing or external both leave the row out; what is left
-- out is looked up by a statement of its own, because this one cannot see what others commit while it waits. For that reason it also
-- looks again, when its rows are inserted, for clients that were made with their keys in the same moment: then it fails with a serialization
-- failure, and is to be repeated (core/admin/migrations/0009_one_effect.sql).
-- The same rows again, while the first time is still under way, may meet transfers_pkey before transfers_owner_key: no target below.
-- Positions are given in order of arrival, so that what one caller sent in turn is applied in turn. Leans on wallets_pkey twice a row,
-- and on clients_idempotency_key_key: OFFSET 0 leaves the planner no other way. IS TRUE has it look each row up in a hash table of what
-- was inserted; as a join, which it expects to be of a row or two, a thousand would be compared with a thousand.
WITH submitted AS (
    SELECT *
      FROM unnest({{submission}}) WITH ORDINALITY AS submitted ({{submission.names}}, arrival)
), inserted AS (
    INSERT INTO transfers ({{submission.names}})
    SELECT {{submission.names of s}}
      FROM submitted s
     CROSS JOIN LATERAL (SELECT kind FROM wallets WHERE id = s.source OFFSET 0) source
     CROSS JOIN LATERAL (SELECT kind FROM wallets WHERE id = s.destination OFFSET 0) destination
     WHERE (source.kind = 'external') = (s.type = 'deposit')
       AND destination.kind = 'client'
       AND (s.owner <> 'operator'
            OR NOT EXISTS (SELECT FROM clients WHERE clients.idempotency_key = s.idempotency_key OFFSET 0))
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
