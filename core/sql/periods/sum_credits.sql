-- Sums the credits among a wallet's entries above a version and up to another one: for stretches that have no running totals yet.
-- The caller bounds their number. It is a text, because the sum may pass the range of bigint.
-- Index: entries_pkey, and each of these entries. The order keeps the planner from another index.
SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::text AS credits
  FROM (
        SELECT amount
          FROM entries
         WHERE wallet_id = %(wallet_id)s AND version > %(begins)s AND version <= %(ends)s
         ORDER BY version
        OFFSET 0
       ) entry
