-- Records a migration, in the transaction that applies it.
INSERT INTO migrations (name) VALUES (%(name)s)
