-- Returns transfers by their owners' keys, with their entries.
-- Index: transfers_owner_key, entries_transfer: OFFSET 0 leaves the planner no other plan.
SELECT {{transfer}}
  FROM (SELECT DISTINCT * FROM unnest(%(owners)b::text[], %(idempotency_keys)b::text[]) AS k (owner, idempotency_key)) k
 CROSS JOIN LATERAL (SELECT * FROM transfers WHERE owner = k.owner AND idempotency_key = k.idempotency_key OFFSET 0) t
