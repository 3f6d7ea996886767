-- One row where the table of migrations exists and has its column of checksums. Reads the catalogue, by pg_attribute's index on the name.
SELECT FROM pg_attribute
 WHERE attrelid = to_regclass('migrations') AND attname = 'checksum' AND NOT attisdropped
