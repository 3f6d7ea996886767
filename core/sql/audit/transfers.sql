-- What foreign keys to wallets would forbid, and more: a deposit goes from its shard's external wallet (see core/ids.py) to a client's,
-- a transfer from a client's wallet to a client's, and neither ended before it began, nor more than a day from now: clocks may differ and
-- be set back, by less. Reads all transfers and all wallets, by hash join.
SELECT 'transfer' AS kind, t.id,
       'is a ' || t.type || ' of shard ' || t.shard || ', from ' || coalesce(source.kind || ' wallet ', 'missing wallet ') || t.source
       || ' to ' || coalesce(destination.kind || ' wallet ', 'missing wallet ') || t.destination
       || ', accepted ' || t.created_at || coalesce(', finished ' || t.finished_at, '') AS detail
  FROM transfers t
  LEFT JOIN wallets source ON source.id = t.source
  LEFT JOIN wallets destination ON destination.id = t.destination
 WHERE source.kind IS DISTINCT FROM CASE t.type WHEN 'deposit' THEN 'external' ELSE 'client' END
    OR destination.kind IS DISTINCT FROM 'client'
    OR (t.type = 'deposit' AND t.source <> ('00000000-0000-7000-8000-' || lpad(to_hex(t.shard), 12, '0'))::uuid)
    OR t.finished_at < t.created_at
    OR greatest(t.created_at, t.finished_at) > now() + interval '1 day'
