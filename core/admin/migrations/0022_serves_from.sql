-- Serves from: 0021_wallet_identities
-- Each migration says which versions may go on beside it: those that know the named migration and all before it. Their processes stay
-- ready while an update exchanges them. NULL: only versions that know the migration itself. Locks the table, for an instant.
ALTER TABLE migrations
  ADD COLUMN serves_from text CONSTRAINT migrations_serves_from_is_earlier CHECK (serves_from < name);
