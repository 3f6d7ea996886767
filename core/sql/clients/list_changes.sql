-- Returns the changes of a client, newest first, below a number.
-- Index: client_changes_pkey backwards.
SELECT number, changed_at, key_id, before::json AS before, after::json AS after, reason
  FROM client_changes
 WHERE client_id = %(client_id)s AND number < %(before)s::bigint
 ORDER BY number DESC
 LIMIT %(limit)s
