-- Adds a batch of entries. entries_pkey and entries_transfer refuse a version or a transfer that a wallet has already.
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT *
  FROM unnest(%(wallet_id)b::uuid[], %(version)b::bigint[], %(transfer_id)b::uuid[], %(amount)b::bigint[], %(balance_after)b::bigint[])
