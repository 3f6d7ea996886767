-- Returns what these special transfers say beyond their wallets and amounts. A batch without one does not run it.
-- Late is one whose deadline passed before this transaction began: now() is that moment, on the clock that set the deadline.
-- Acceptance is in microseconds since 1970: the ledger knows no clock, and compares them with the ends of holds.
-- Locks nothing. Index: transfers_pkey per row.
SELECT t.*
  FROM unnest(%(ids)b::uuid[]) AS wanted (id)
 CROSS JOIN LATERAL (
        SELECT id AS transfer_id, type, parent, fit, coalesce(closes, false) AS closes,
               (extract(epoch FROM created_at) * 1000000)::bigint AS accepted_at, coalesce(apply_by < now(), false) AS is_late,
               owner <> 'operator' AS by_client, coalesce(sweeps, false) AS sweeps, wallet_ids, amounts
          FROM transfers
         WHERE id = wanted.id
        OFFSET 0
       ) t
