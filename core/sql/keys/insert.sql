-- Stores a new key: an operator's, or one of a client that exists.
-- Returns its id; or no row if there is no such client, or if a first try whose answer was lost has stored the key (keys_pkey).
INSERT INTO keys (id, role, client_id, digest)
SELECT %(id)s, %(role)s::text, %(client_id)s::uuid, %(digest)s
 WHERE %(role)s::text = 'operator'
    OR EXISTS (SELECT FROM clients WHERE id = %(client_id)s::uuid)
ON CONFLICT (id) DO NOTHING
RETURNING id
