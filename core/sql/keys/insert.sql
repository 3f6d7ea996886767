-- Stores a new key: an operator's, or one of a client that exists.
-- A repetition, after a lost answer, stores nothing twice (keys_pkey).
INSERT INTO keys (id, role, client_id, digest)
SELECT %(id)s, %(role)s::text, %(client_id)s::uuid, %(digest)s
 WHERE %(role)s::text = 'operator'
    OR EXISTS (SELECT FROM clients WHERE id = %(client_id)s::uuid)
ON CONFLICT (id) DO NOTHING
RETURNING id
