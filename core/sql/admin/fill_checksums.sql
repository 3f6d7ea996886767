-- Records the checksums of migrations that were applied without one. A recorded checksum is not changed.
-- Index: the primary key.
UPDATE migrations
   SET checksum = given.checksum
  FROM unnest(%(names)s::text[], %(checksums)s::text[]) AS given (name, checksum)
 WHERE migrations.name = given.name AND migrations.checksum IS NULL
