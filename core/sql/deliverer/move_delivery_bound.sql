-- Raises a bound; it never falls.
-- Locks: its row. Index: delivery_bounds_pkey.
UPDATE delivery_bounds SET value = %(value)s WHERE name = %(name)s AND value < %(value)s RETURNING name
