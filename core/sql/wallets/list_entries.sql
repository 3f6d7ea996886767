-- Returns a wallet's entries, newest first, below a version and above another one.
-- Index: entries_pkey backwards, and transfers_pkey per row.
SELECT {{wallet_entry}}
 WHERE e.wallet_id = %(wallet_id)s AND e.version < %(before)s AND e.version > %(after)s
 ORDER BY e.version DESC
 LIMIT %(limit)s
