-- Transfers with their entries, in one statement: nobody sees a final transfer without them. Leans on transfers_pkey, entries_transfer.
SELECT id, type, status, failure_code, source, destination, amount, currency, reference, metadata, callback_url, owner, idempotency_key,
       fingerprint, created_at, finished_at,
       coalesce((SELECT json_agg(json_build_array(e.wallet_id, e.version, e.amount, e.balance_after))
                   FROM entries e WHERE e.transfer_id = t.id), '[]') AS entries
  FROM transfers t
 WHERE id = ANY(%(ids)b::uuid[])
