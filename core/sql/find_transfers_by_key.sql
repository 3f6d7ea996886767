-- Transfers by their owners' keys, with their entries. Leans on transfers_owner_key, entries_transfer: OFFSET 0 leaves the planner
-- no other way.
SELECT id, type, status, failure_code, source, destination, amount, currency, reference, metadata, callback_url, t.owner, t.idempotency_key,
       fingerprint, created_at, finished_at,
       coalesce((SELECT json_agg(json_build_array(e.wallet_id, e.version, e.amount, e.balance_after))
                   FROM entries e WHERE e.transfer_id = t.id), '[]') AS entries
  FROM (SELECT DISTINCT * FROM unnest(%(owners)b::text[], %(idempotency_keys)b::text[]) AS k (owner, idempotency_key)) k
 CROSS JOIN LATERAL (SELECT * FROM transfers WHERE owner = k.owner AND idempotency_key = k.idempotency_key OFFSET 0) t
