-- Returns the bounds below which nothing is left, by name: see core/admin/migrations/0008_fan_out.sql.
-- Locks nothing. Index: delivery_bounds_pkey.
SELECT name, value FROM delivery_bounds ORDER BY name
