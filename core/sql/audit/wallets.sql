-- Every client has a wallet, and every transfer its shard. Every shard has an external wallet of USD and of each currency that a
-- client's wallet has (core/ids.py). There are no other wallets, and each is of a currency that is stored.
-- What of each never changes stands in wallet_identities too, by which transfers are accepted.
-- Reads all clients, wallets and transfers, by hash join.
SELECT 'client' AS kind, c.id, 'has no wallet' AS detail
  FROM clients c
 WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.client_id = c.id)
UNION ALL
SELECT 'wallet', w.id, 'is of a client that does not exist'
  FROM wallets w
 WHERE w.kind = 'client' AND NOT EXISTS (SELECT FROM clients c WHERE c.id = w.client_id)
UNION ALL
SELECT 'wallet', w.id, 'is in ' || w.currency || ', which is no currency that is stored'
  FROM wallets w
 WHERE NOT EXISTS (SELECT FROM currencies c WHERE c.code = w.currency)
UNION ALL
SELECT 'wallet', coalesce(w.id, i.id),
       CASE WHEN w.id IS NULL THEN 'has an identity and does not exist'
            WHEN i.id IS NULL THEN 'has no identity'
            ELSE 'is ' || w.kind || ' and in ' || w.currency || ', and its identity says ' || i.kind || ' and ' || i.currency END
  FROM wallets w
  FULL JOIN wallet_identities i ON i.id = w.id
 WHERE (w.kind, w.currency) IS DISTINCT FROM (i.kind, i.currency)
UNION ALL
SELECT 'wallet', coalesce(s.external_wallet, w.id),
       CASE WHEN w.id IS NULL THEN 'is the external wallet of shard ' || s.shard || ' in ' || s.currency || ' and does not exist'
            WHEN s.shard IS NULL THEN 'is external, in ' || w.currency || ', and of no shard or of no currency that is used'
            ELSE 'is external and in ' || w.currency || ', and its id says ' || s.currency END
  FROM (
        SELECT external_wallet(c.number, shards.shard) AS external_wallet, c.code AS currency, shards.shard,
               c.code = 'USD' OR c.code IN (SELECT currency FROM wallets WHERE kind = 'client') AS is_used
          FROM shards
         CROSS JOIN currencies c
       ) s
  FULL JOIN (SELECT id, currency FROM wallets WHERE kind = 'external') w ON w.id = s.external_wallet
 WHERE CASE WHEN w.id IS NULL THEN s.is_used ELSE s.currency IS DISTINCT FROM w.currency END
UNION ALL
SELECT 'ledger', NULL, 'shard ' || shard || ' has transfers and does not exist'
  FROM (SELECT shard FROM transfers EXCEPT SELECT shard FROM shards) missing
