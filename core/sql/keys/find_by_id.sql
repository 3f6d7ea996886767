-- A key as it is kept; of its digest no more than a hint. Leans on keys_pkey.
SELECT id, role, client_id, left(encode(digest, 'hex'), 8) AS hint, created_at, last_used_at, revoked_at
  FROM keys
 WHERE id = %(id)s
