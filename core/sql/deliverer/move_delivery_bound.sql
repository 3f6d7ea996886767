-- Moves a bound on, never back. Locks its row. Leans on delivery_bounds_pkey.
UPDATE delivery_bounds SET value = %(value)s WHERE name = %(name)s AND value < %(value)s RETURNING name
