-- Adds a batch of entries. entries_pkey and entries_transfer refuse a version or a transfer that a wallet has already.
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT *
  FROM unnest(%(wallet_ids)b::uuid[], %(versions)b::bigint[], %(transfer_ids)b::uuid[], %(amounts)b::bigint[], %(balances)b::bigint[])
