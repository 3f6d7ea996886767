-- Sums the credits among a wallet's entries above a version, up to another one.
-- Index: entries_pkey, and each of these entries.
SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::text AS credits
  FROM entries
 WHERE wallet_id = %(wallet_id)s AND version > %(begins)s AND version <= %(ends)s
