-- Every transfer has wallets that exist and fit its type, and plausible times. There are no foreign keys to wallets.
-- A deposit goes from the external wallet of its shard (core/ids.py) to a client's wallet, a transfer from client to client.
-- None ended before it was accepted, or more than a day from now: clocks may differ or be set back by less.
-- Reads all transfers and all wallets, by hash join.
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
