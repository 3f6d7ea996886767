-- The entry `e` of a wallet with what its transfer says, as core.wallets.WalletEntry reads it, up to the WHERE of the statement.
-- A transfer with more than two lines has no counterparty.
-- Index: transfers_pkey per row.
e.wallet_id, e.version, e.transfer_id, t.type, e.amount, e.balance_after,
       CASE WHEN cardinality(t.wallet_ids) > 2 THEN NULL WHEN e.wallet_id = t.source THEN t.destination ELSE t.source END AS counterparty,
       t.reference, e.created_at
  FROM entries e
 CROSS JOIN LATERAL (SELECT type, source, destination, wallet_ids, reference FROM transfers WHERE id = e.transfer_id OFFSET 0) t
