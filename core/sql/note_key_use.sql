-- Notes that keys are in use, of each at most once a minute, however many processes say so. Waits for nobody: who holds a key's row is
-- most likely noting the same, and a note that is lost harms nothing. Leans on keys_pkey.
UPDATE keys k
   SET last_used_at = now()
  FROM (
        SELECT id
          FROM keys
         WHERE id = ANY(%(ids)b)
           AND coalesce(last_used_at < now() - interval '1 minute', true)
           FOR NO KEY UPDATE SKIP LOCKED
       ) due
 WHERE k.id = due.id
RETURNING k.id
