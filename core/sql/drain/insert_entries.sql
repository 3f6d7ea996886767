-- Inserts the entries of a batch.
-- entries_pkey refuses a version, and entries_transfer a transfer, that the wallet has already.
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT *
  FROM unnest(%(wallet_ids)b::uuid[], %(versions)b::bigint[], %(transfer_ids)b::uuid[], %(amounts)b::bigint[], %(balances)b::bigint[])
