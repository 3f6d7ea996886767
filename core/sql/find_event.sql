-- An event: a final transfer and its place in the feed; only a wallet's when one is given. Leans on transfers_pkey,
-- entries_transfer.
SELECT moment, ordinal, id, type, status, failure_code, source, destination, amount, currency, reference, metadata, callback_url, owner,
       idempotency_key, fingerprint, created_at, finished_at,
       coalesce((SELECT json_agg(json_build_array(e.wallet_id, e.version, e.amount, e.balance_after))
                   FROM entries e WHERE e.transfer_id = t.id), '[]') AS entries
  FROM transfers t
 WHERE id = %(id)s
   AND status <> 'queued'
   AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s IN (source, destination))
