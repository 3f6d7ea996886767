-- The recorded checksums of the applied migrations, in order. Those without one come from `migrate` of 0.1.0.
SELECT name, checksum
  FROM migrations
 WHERE checksum IS NOT NULL
 ORDER BY name
