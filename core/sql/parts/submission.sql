-- The values of new transfers that the API gives: a parameter for each column of transfers, with the same name, in any order.
-- Each is an array of the column's type, with the values of a batch. The API may insert these columns and no others:
-- core/sql/admin/grant_rights.sql.
%(id)b::uuid[], %(type)b::text[], %(source)b::uuid[], %(destination)b::uuid[], %(amount)b::bigint[], %(currency)b::text[],
%(reference)b::text[], %(metadata)b::text[]::jsonb[], %(callback_url)b::text[], %(owner)b::text[], %(idempotency_key)b::text[],
%(fingerprint)b::bytea[], %(shard)b::integer[], %(submitted_by)b::text[]
