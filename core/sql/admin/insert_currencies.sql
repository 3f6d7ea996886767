-- Stores the currencies that are not stored yet. A stored one keeps its digits and its number: amounts and ids were made with them.
-- Only migrations run this. Index: currencies_pkey.
INSERT INTO currencies (code, number, minor_unit)
SELECT *
  FROM unnest(%(codes)s::text[], %(numbers)s::integer[], %(minor_units)s::integer[])
    ON CONFLICT (code) DO NOTHING
