-- Records a migration and the SHA-256 of its file, in the transaction that applies it.
INSERT INTO migrations (name, checksum) VALUES (%(name)s, %(checksum)s)
