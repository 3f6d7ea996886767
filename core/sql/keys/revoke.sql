-- Revokes a key for ever; one that is revoked already keeps its time. Leans on keys_pkey.
UPDATE keys
   SET revoked_at = coalesce(revoked_at, now())
 WHERE id = %(id)s
RETURNING id
