-- What the API gives of a new transfer: a parameter a column of transfers, named like it. The order is of no account. Each holds a batch's
-- values: an array of the column's type. The API may insert these columns and no others: core/sql/admin/grant_rights.sql.
%(id)b::uuid[], %(type)b::text[], %(source)b::uuid[], %(destination)b::uuid[], %(amount)b::bigint[], %(currency)b::text[],
%(reference)b::text[], %(metadata)b::text[]::jsonb[], %(callback_url)b::text[], %(owner)b::text[], %(idempotency_key)b::text[],
%(fingerprint)b::bytea[], %(shard)b::integer[]
