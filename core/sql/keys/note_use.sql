-- Records that keys are in use, each at most once a minute, however many processes report it.
-- Locks: the keys. Locked ones are skipped: most likely another process records the same, and a lost record does no harm.
-- Index: keys_pkey.
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
