-- Returns the changes of a wallet's rules, newest first, below a number.
-- Index: wallet_changes_pkey backwards.
SELECT number, changed_at, key_id, before::json AS before, after::json AS after, reason
  FROM wallet_changes
 WHERE wallet_id = %(wallet_id)s AND number < %(before)s::bigint
 ORDER BY number DESC
 LIMIT %(limit)s
