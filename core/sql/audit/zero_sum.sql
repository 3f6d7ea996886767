-- Promise 1: all entries of a currency sum to zero, and so do all balances. Reads all entries and all wallets, by hash join.
-- The entries of a wallet that does not exist have no currency, and are reported by the check of stray entries.
SELECT 'ledger' AS kind, NULL::uuid AS id, 'all entries sum to ' || sum(e.amount) || ' ' || coalesce(w.currency, 'of no currency') AS detail
  FROM entries e
  LEFT JOIN wallets w ON w.id = e.wallet_id
 GROUP BY w.currency
HAVING sum(e.amount) <> 0
UNION ALL
SELECT 'ledger', NULL, 'all balances sum to ' || sum(balance) || ' ' || currency
  FROM wallets
 GROUP BY currency
HAVING sum(balance) <> 0
