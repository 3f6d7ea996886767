-- Returns what these special transfers say beyond their wallets and amounts. A batch without one does not run it.
-- Late is one whose deadline passed before this transaction began: now() is that moment, on the clock that set the deadline.
-- Locks nothing. Index: transfers_pkey per row.
SELECT t.*
  FROM unnest(%(ids)b::uuid[]) AS wanted (id)
 CROSS JOIN LATERAL (
        SELECT id AS transfer_id, type, created_at AS accepted_at, parent, fit, coalesce(closes, false) AS closes,
               coalesce(apply_by < now(), false) AS is_late
          FROM transfers
         WHERE id = wanted.id
        OFFSET 0
       ) t
