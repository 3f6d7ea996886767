-- Returns a wallet's entries, newest first, below a version.
-- A transfer with more than two lines has no counterparty.
-- Index: entries_pkey backwards, and transfers_pkey per row.
SELECT e.wallet_id, e.version, e.transfer_id, t.type, e.amount, e.balance_after,
       CASE WHEN cardinality(t.wallet_ids) > 2 THEN NULL WHEN e.wallet_id = t.source THEN t.destination ELSE t.source END AS counterparty,
       t.reference, e.created_at
  FROM entries e
 CROSS JOIN LATERAL (SELECT type, source, destination, wallet_ids, reference FROM transfers WHERE id = e.transfer_id OFFSET 0) t
 WHERE e.wallet_id = %(wallet_id)s AND e.version < %(before)s
 ORDER BY e.version DESC
 LIMIT %(limit)s
