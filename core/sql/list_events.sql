-- The events after a place in the feed, oldest first, each with its transfer; those of a wallet's transfers alone when one is given.
-- Ends at the horizon: an event that is committed later never stands before one that has been shown, and a transaction that is held
-- open delays the feed and never makes it skip. The horizon is of the statement's own snapshot. Leans on events_pkey, and on
-- transfers_pkey and entries_transfer a row. What is not bounded: for a wallet it reads on until it has found enough, or until its
-- timeout, a 503.
SELECT e.moment, e.ordinal, t.id, t.type, t.status, t.failure_code, t.source, t.destination, t.amount, t.currency, t.reference,
       t.metadata, t.owner, t.idempotency_key, t.fingerprint, t.created_at, t.finished_at,
       coalesce((SELECT json_agg(json_build_array(e.wallet_id, e.version, e.amount, e.balance_after))
                   FROM entries e WHERE e.transfer_id = t.id), '[]') AS entries
  FROM events e
  JOIN transfers t ON t.id = e.transfer_id
 WHERE (e.moment, e.ordinal) > (%(moment)s, %(ordinal)s)
   AND e.moment < (SELECT feed_horizon())
   AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s IN (t.source, t.destination))
 ORDER BY e.moment, e.ordinal
 LIMIT %(limit)s
