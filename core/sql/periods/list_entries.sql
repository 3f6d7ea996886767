-- Returns a wallet's entries above a version and up to another one, oldest first.
-- Index: entries_pkey, and transfers_pkey per row.
SELECT {{wallet_entry}}
 WHERE e.wallet_id = %(wallet_id)s AND e.version > %(after)s AND e.version <= %(ends)s
 ORDER BY e.version
 LIMIT %(limit)s
