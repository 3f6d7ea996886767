-- Stores a first operator key, unless there is one. The caller has the migration lock, so no two run at once.
INSERT INTO keys (id, role, digest)
SELECT %(id)s, 'operator', %(digest)s
 WHERE NOT EXISTS (SELECT FROM keys WHERE role = 'operator' AND revoked_at IS NULL)
RETURNING id
