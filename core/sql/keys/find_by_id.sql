-- Returns a stored key; of its digest only a hint.
-- Index: keys_pkey.
SELECT id, role, client_id, name, left(encode(digest, 'hex'), 8) AS hint, created_at, last_used_at, revoked_at
  FROM keys
 WHERE id = %(id)s
