-- Keys, newest first, from just below a given one; only those of a client when one is given. Without a limit: all.
-- Leans on keys_client, or on keys_pkey backwards: a plan for both would walk through all keys to find a client's.
-- A client's are written as a range, because of equations the planner may make that walk too.
SELECT id, role, client_id, left(encode(digest, 'hex'), 8) AS hint, created_at, last_used_at, revoked_at
  FROM (
        (SELECT * FROM keys WHERE %(client_id)s::uuid IS NULL AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT *
           FROM keys
          WHERE (client_id, id) < (%(client_id)s, %(before)s) AND client_id >= %(client_id)s
          ORDER BY client_id DESC, id DESC
          LIMIT %(limit)s)
       ) found
 ORDER BY id DESC
 LIMIT %(limit)s
