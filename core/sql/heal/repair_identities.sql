-- Gives each wallet the identity that its row says, where it has none or another one, and deletes those of no wallet. Returns a row each.
-- Reads all wallets.
WITH strays AS (
    DELETE FROM wallet_identities i
     WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.id = i.id)
    RETURNING id
), repaired AS (
    INSERT INTO wallet_identities (id, kind, currency)
    SELECT id, kind, currency FROM wallets
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, currency = excluded.currency
     WHERE (wallet_identities.kind, wallet_identities.currency) <> (excluded.kind, excluded.currency)
    RETURNING id
)
SELECT id FROM strays UNION ALL SELECT id FROM repaired
