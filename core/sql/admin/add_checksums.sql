-- Adds what `migrate` of 0.1.0 did not record: the SHA-256 of each migration's file. Without a value where that version applies one
-- later. Locks the table against everything, so it runs only where admin/find_checksums.sql finds no such column.
ALTER TABLE migrations
  ADD COLUMN checksum text CONSTRAINT migrations_checksum_is_sha256 CHECK (checksum ~ '^[0-9a-f]{64}$')
