-- Adds the column of checksums to a table of migrations that version 0.1.0 made: the SHA-256 of each migration's file.
-- The value is NULL where that version applies a migration later.
-- Locks: the table, against everything. So it runs only where admin/find_checksums.sql finds no such column.
ALTER TABLE migrations
  ADD COLUMN checksum text CONSTRAINT migrations_checksum_is_sha256 CHECK (checksum ~ '^[0-9a-f]{64}$')
