-- Promise 1: all entries sum to zero, and so do all balances. Reads all entries and all wallets.
SELECT 'ledger' AS kind, NULL::uuid AS id, 'all entries sum to ' || sum(amount) AS detail
  FROM entries
HAVING sum(amount) <> 0
UNION ALL
SELECT 'ledger', NULL, 'all balances sum to ' || sum(balance)
  FROM wallets
HAVING sum(balance) <> 0
