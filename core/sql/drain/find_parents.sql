-- Returns the parents of a batch: of each child in it, and each hold in it, which may become one.
-- Must run after drain/lock_wallets as a statement of its own: whatever takes from a parent has locked the same wallets, so its
-- snapshot has all that was taken.
-- Locks nothing. Index: transfers_pkey per row.
SELECT t.*
  FROM unnest(%(ids)b::uuid[]) AS wanted (id)
 CROSS JOIN LATERAL (
        SELECT id, type, source, destination, status = 'applied' AS is_applied, coalesce(moved, amount) AS total,
               coalesce(captured, 0) AS captured, coalesce(returned, 0) AS returned,
               (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at,
               counted_on - date '1970-01-01' AS counted_on, wallet_ids, amounts
          FROM transfers
         WHERE id = wanted.id
        OFFSET 0
       ) t
