-- Returns the open holds of a wallet, newest first, below a given id: each has a row of verb 'release' in `due`.
-- Index: due_pkey backwards; per row transfers_pkey and entries_transfer. Its rows of verb 'apply' are read too: their number has a
-- limit per client.
SELECT {{transfer}}
  FROM (
        SELECT transfer_id
          FROM due
         WHERE wallet_id = %(wallet_id)s AND transfer_id < %(before)s AND verb = 'release'
         ORDER BY wallet_id DESC, transfer_id DESC
         LIMIT %(limit)s
       ) open_hold
 CROSS JOIN LATERAL (SELECT * FROM transfers WHERE id = open_hold.transfer_id OFFSET 0) t
 ORDER BY t.id DESC
