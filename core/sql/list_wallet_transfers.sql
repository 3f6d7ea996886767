-- The transfers that a wallet is a party to, newest first, from just below a given one. Leans on transfers_source, transfers_destination.
-- Queued ones have list_queued_transfers. What is not bounded: with another status it reads on until it has found enough, where that is
-- rare down to the wallet's oldest transfer, or until its timeout, a 503. An index on status, even a partial one, would end HOT.
SELECT id, type, status, failure_code, source, destination, amount, currency, reference, metadata, callback_url, owner, idempotency_key,
       fingerprint, created_at, finished_at,
       coalesce((SELECT json_agg(json_build_array(e.wallet_id, e.version, e.amount, e.balance_after))
                   FROM entries e WHERE e.transfer_id = t.id), '[]') AS entries
  FROM (
        (SELECT * FROM transfers
          WHERE source = %(wallet_id)s AND id < %(before)s AND (%(status)s::text IS NULL OR status = %(status)s)
          ORDER BY id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM transfers
          WHERE destination = %(wallet_id)s AND id < %(before)s AND (%(status)s::text IS NULL OR status = %(status)s)
          ORDER BY id DESC LIMIT %(limit)s)
       ) t
 ORDER BY id DESC
 LIMIT %(limit)s
