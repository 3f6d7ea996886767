-- Returns keys, newest first, below a given id; only those of a client if one is given. A NULL limit means all.
-- Index: keys_client, or keys_pkey backwards. One plan for both cases would read all keys to find a client's. A client's keys are
-- read as a range, because with equations the planner may do so too.
SELECT id, role, client_id, name, left(encode(digest, 'hex'), 8) AS hint, created_at, last_used_at, revoked_at
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
