-- What new special transfers say beside core/sql/parts/submission.sql, a parameter for each field of core.transfers.Terms.
-- Each is an array with the values of a batch, NULL or false where a transfer does not say it.
%(parent)b::uuid[], %(fit)b::text[], %(closes)b::boolean[], %(scheduled_for)b::timestamptz[], %(apply_within_s)b::integer[],
%(expires_in_s)b::integer[]
