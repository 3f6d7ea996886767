-- Stores the result of an audit, and deletes all but the newest results: as many stay as the caller says.
-- Index: audits_pkey.
WITH stored AS (
    INSERT INTO audits (began_at, broken, transfers, entries, wallets)
    VALUES (clock_timestamp() - make_interval(secs => %(seconds)s), %(broken)s::text::jsonb, %(transfers)s, %(entries)s, %(wallets)s)
)
DELETE FROM audits WHERE id <= (SELECT id FROM audits ORDER BY id DESC OFFSET %(kept)s::bigint - 1 LIMIT 1)
