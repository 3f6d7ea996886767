-- Records from which version on processes may go on beside a migration, in the transaction that applies it.
-- Index: the primary key.
UPDATE migrations SET serves_from = %(serves_from)s WHERE name = %(name)s
