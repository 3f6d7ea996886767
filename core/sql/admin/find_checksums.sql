-- Returns one row if the table of migrations exists and has its column of checksums. Reads the catalogue, by an index of
-- pg_attribute.
SELECT FROM pg_attribute
 WHERE attrelid = to_regclass('migrations') AND attname = 'checksum' AND NOT attisdropped
