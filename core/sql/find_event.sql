-- An event: a final transfer and its place in the feed, only a wallet's when one is given; or an owner's endpoint that was disabled.
-- Leans on transfers_pkey, entries_transfer, endpoint_events_id.
SELECT moment, ordinal, id, NULL::json AS endpoint, NULL::timestamptz AS told_at, type, status, failure_code, source, destination, amount,
       currency, reference, metadata, callback_url, owner, idempotency_key, fingerprint, created_at, finished_at,
       coalesce((SELECT json_agg(json_build_array(e.wallet_id, e.version, e.amount, e.balance_after))
                   FROM entries e WHERE e.transfer_id = t.id), '[]') AS entries
  FROM transfers t
 WHERE id = %(id)s
   AND status <> 'queued'
   AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s IN (source, destination))
UNION ALL
SELECT moment, 1, id, endpoint::json, created_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, owner, NULL, NULL, NULL, NULL, '[]'
  FROM endpoint_events
 WHERE id = %(id)s AND owner = %(owner)s
