-- Stores a new key: an operator's, a viewer's, or one of a client that exists.
-- Returns its id; or no row if there is no such client, or if a first try whose answer was lost has stored the key (keys_pkey).
INSERT INTO keys (id, role, client_id, digest, name)
SELECT %(id)s, %(role)s::text, %(client_id)s::uuid, %(digest)s, %(name)s
 WHERE %(role)s::text <> 'client'
    OR EXISTS (SELECT FROM clients WHERE id = %(client_id)s::uuid)
ON CONFLICT (id) DO NOTHING
RETURNING id
