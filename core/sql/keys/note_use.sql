-- Notes that keys are in use, of each at most once a minute, however many processes say so. Waits for no lock: the session that holds a
-- key's row is most likely noting the same, and a note that is lost harms nothing. Leans on keys_pkey.
UPDATE keys
   SET last_used_at = now()
 WHERE id = ANY(ARRAY(
        SELECT id
          FROM keys
         WHERE id = ANY(%(ids)b)
           AND coalesce(last_used_at < now() - interval '1 minute', true)
           FOR NO KEY UPDATE SKIP LOCKED
       ))
RETURNING id
