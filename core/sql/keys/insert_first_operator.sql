-- Keeps a first operator key, unless there is one. Two at once: the caller holds the migration lock.
INSERT INTO keys (id, role, digest)
SELECT %(id)s, 'operator', %(digest)s
 WHERE NOT EXISTS (SELECT FROM keys WHERE role = 'operator' AND revoked_at IS NULL)
RETURNING id
