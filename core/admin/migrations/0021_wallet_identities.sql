-- What of a wallet never changes gets a table of its own: the INSERT of a transfer reads it for both wallets.
-- A row of `wallets` gets a new version with each batch. While a snapshot is held, no version is removed: a look by the wallet's id
-- then met hundreds of old ones, twice for each transfer that was accepted. docs/decisions/0133-identities-of-wallets.md has the figures.
-- CREATE TRIGGER lets inserts of wallets and drains wait until the end of the migration: some seconds for a million wallets.
CREATE TABLE wallet_identities (
    id       uuid PRIMARY KEY,
    kind     text NOT NULL,
    currency text NOT NULL
);

-- Runs with the owner's rights: no process may insert an identity by itself. A wallet that `migrate` makes again may have one already.
CREATE FUNCTION insert_wallet_identities() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO wallet_identities (id, kind, currency) SELECT id, kind, currency FROM inserted
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, currency = excluded.currency;
    RETURN NULL;
END
$$;
CREATE TRIGGER insert_wallet_identities AFTER INSERT ON wallets
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION insert_wallet_identities();

INSERT INTO wallet_identities (id, kind, currency) SELECT id, kind, currency FROM wallets;

-- More room for the versions of a wallet in its page: an UPDATE that finds none writes to each index of wallets, and compares the key
-- with those of all its old versions. Pages that exist stay as they are.
ALTER TABLE wallets SET (fillfactor = 10);
