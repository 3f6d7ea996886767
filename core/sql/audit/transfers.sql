-- Every transfer has wallets that exist and fit its type, and plausible times. There are no foreign keys to wallets.
-- An external wallet takes part in its own shard alone (core/ids.py). Which types have one is in core/ledger/kinds.py.
-- None ended before it was accepted, or more than a day from now: clocks may differ or be set back by less.
-- Reads all transfers and all wallets, by hash join.
SELECT 'transfer' AS kind, t.id,
       'is a ' || t.type || ' of shard ' || t.shard || ', from ' || coalesce(source.kind || ' wallet ', 'missing wallet ') || t.source
       || ' to ' || coalesce(destination.kind || ' wallet ', 'missing wallet ') || t.destination
       || ', accepted ' || t.created_at || coalesce(', finished ' || t.finished_at, '') AS detail
  FROM transfers t
  LEFT JOIN wallets source ON source.id = t.source
  LEFT JOIN wallets destination ON destination.id = t.destination
 WHERE NOT CASE
               WHEN source.kind = 'client' AND destination.kind = 'client' THEN t.type NOT IN ('deposit', 'withdrawal')
               WHEN source.kind = 'client' AND destination.kind = 'external' THEN t.type NOT IN ('deposit', 'transfer')
               WHEN source.kind = 'external' AND destination.kind = 'client' THEN t.type IN ('deposit', 'reversal')
               ELSE false
           END
    OR (source.kind = 'external' AND t.source <> ('00000000-0000-7000-8000-' || lpad(to_hex(t.shard), 12, '0'))::uuid)
    OR (destination.kind = 'external' AND t.destination <> ('00000000-0000-7000-8000-' || lpad(to_hex(t.shard), 12, '0'))::uuid)
    OR t.finished_at < t.created_at
    OR greatest(t.created_at, t.finished_at) > now() + interval '1 day'
