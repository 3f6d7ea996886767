-- Returns the open holds of a wallet, newest first, below a given id: each has a row of verb 'release' in `due`.
-- Index: due_wallet backwards; per row transfers_pkey and entries_transfer.
SELECT {{transfer}}
  FROM (
        SELECT transfer_id
          FROM due
         WHERE wallet_id = %(wallet_id)s AND verb = 'release' AND transfer_id < %(before)s
         ORDER BY wallet_id DESC, verb DESC, transfer_id DESC
         LIMIT %(limit)s
       ) open_hold
 CROSS JOIN LATERAL (SELECT * FROM transfers WHERE id = open_hold.transfer_id OFFSET 0) t
 ORDER BY t.id DESC
