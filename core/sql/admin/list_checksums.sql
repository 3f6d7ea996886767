-- Returns the recorded checksums of the applied migrations, in order. Version 0.1.0 recorded none.
SELECT name, checksum
  FROM migrations
 WHERE checksum IS NOT NULL
 ORDER BY name
