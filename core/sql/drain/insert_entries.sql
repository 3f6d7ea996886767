-- Inserts the entries of a batch.
-- entries_pkey refuses a version, and entries_transfer a transfer, that the wallet has already.
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT *
  FROM unnest(%(wallet_id)b::uuid[], %(version)b::bigint[], %(transfer_id)b::uuid[], %(amount)b::bigint[], %(balance_after)b::bigint[])
