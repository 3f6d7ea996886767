-- A wallet's version and balance are those of its newest entry.
-- Reads all wallets. Index: per wallet entries_pkey backwards.
SELECT 'wallet' AS kind, w.id,
       'has version ' || w.version || ' and balance ' || w.balance || '; its newest entry: '
       || coalesce('version ' || newest.version || ', balance ' || newest.balance_after, 'none') AS detail
  FROM wallets w
  LEFT JOIN LATERAL (
        SELECT version, balance_after FROM entries WHERE wallet_id = w.id ORDER BY version DESC LIMIT 1
       ) newest ON true
 WHERE (w.version, w.balance) <> (coalesce(newest.version, 0), coalesce(newest.balance_after, 0))
