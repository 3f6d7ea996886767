-- The transfers that a wallet is a party to, newest first, from just below a given one. Leans on transfers_source, transfers_destination.
SELECT id, type, status, failure_code, source, destination, amount, currency, reference, metadata, owner, idempotency_key,
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
