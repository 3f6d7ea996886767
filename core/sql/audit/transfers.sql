-- Every transfer has wallets that exist, fit its type and have its currency, and plausible times. There are no foreign keys to
-- wallets.
-- An external wallet takes part in its own shard alone (core/ids.py). Which types have one is in core/ledger/kinds.py.
-- None ended before it was accepted, or more than a day from now: clocks may differ or be set back by less.
-- Reads all transfers and all wallets, by hash join.
SELECT 'transfer' AS kind, t.id,
       'is a ' || t.type || ' of shard ' || t.shard || ', from ' || coalesce(source.kind || ' wallet ', 'missing wallet ') || t.source
       || ' to ' || coalesce(destination.kind || ' wallet ', 'missing wallet ') || t.destination
       || ', in ' || t.currency || coalesce(', of which the first is in ' || source.currency, '')
       || coalesce(' and the second in ' || destination.currency, '') || ', accepted ' || t.created_at || coalesce(', finished ' || t.finished_at, '') AS detail
  FROM transfers t
  LEFT JOIN wallets source ON source.id = t.source
  LEFT JOIN wallets destination ON destination.id = t.destination
  LEFT JOIN currencies c ON c.code = t.currency
 WHERE NOT CASE
               WHEN source.kind = 'client' AND destination.kind = 'client' THEN t.type NOT IN ('deposit', 'withdrawal')
               WHEN source.kind = 'client' AND destination.kind = 'external' THEN t.type NOT IN ('deposit', 'transfer')
               WHEN source.kind = 'external' AND destination.kind = 'client' THEN t.type IN ('deposit', 'reversal')
               ELSE false
           END
    OR (source.currency = t.currency AND destination.currency = t.currency) IS NOT TRUE
    OR (source.kind = 'external' AND t.source IS DISTINCT FROM external_wallet(c.number, t.shard))
    OR (destination.kind = 'external' AND t.destination IS DISTINCT FROM external_wallet(c.number, t.shard))
    OR t.finished_at < t.created_at
    OR greatest(t.created_at, t.finished_at) > now() + interval '1 day'
