-- Every entry belongs to a transfer and a wallet that exist. Foreign keys would lock two rows for each new entry.
SELECT 'transfer' AS kind, e.transfer_id AS id, 'has an entry and does not exist' AS detail
  FROM entries e
 WHERE NOT EXISTS (SELECT FROM transfers t WHERE t.id = e.transfer_id)
UNION ALL
SELECT 'wallet', e.wallet_id, 'has an entry and does not exist'
  FROM entries e
 WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.id = e.wallet_id)
