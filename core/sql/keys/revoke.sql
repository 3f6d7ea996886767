-- Revokes a key for ever. A key that is revoked already keeps its time.
-- Index: keys_pkey.
UPDATE keys
   SET revoked_at = coalesce(revoked_at, now())
 WHERE id = %(id)s
RETURNING id
