-- What an unrevoked key opens. Locks nothing; leans on keys_digest_key.
SELECT role, client_id
  FROM keys
 WHERE digest = %(digest)s AND revoked_at IS NULL
