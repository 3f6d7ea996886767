-- Keys, newest first, from just below a given one; only those of a client when one is given. Without a limit: all.
-- Leans on keys_client, or on keys_pkey backwards.
SELECT id, role, client_id, left(encode(digest, 'hex'), 8) AS hint, created_at, last_used_at, revoked_at
  FROM keys
 WHERE id < %(before)s
   AND (%(client_id)s::uuid IS NULL OR client_id = %(client_id)s)
 ORDER BY id DESC
 LIMIT %(limit)s
