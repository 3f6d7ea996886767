-- Returns the transfers of a wallet, newest first, below a given id. With a `status` or a `type`, it searches a window as
-- transfers/list does.
-- Index: transfers_source, transfers_destination, and parties_pkey with transfers_pkey per row of it. Read as ranges: with equations the planner may read all transfers in the order of
-- their ids.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, {{matches}} AS matches, row_number() OVER (ORDER BY id DESC) AS window_row
          FROM (
                (SELECT *
                   FROM transfers
                  WHERE (source, id) < (%(wallet_id)s, %(before)s) AND source >= %(wallet_id)s
                  ORDER BY source DESC, id DESC
                  LIMIT %(window)s)
                UNION ALL
                (SELECT *
                   FROM transfers
                  WHERE (destination, id) < (%(wallet_id)s, %(before)s) AND destination >= %(wallet_id)s
                  ORDER BY destination DESC, id DESC
                  LIMIT %(window)s)
                UNION ALL
                (SELECT party_of.*
                   FROM (
                         SELECT transfer_id
                           FROM parties
                          WHERE (wallet_id, transfer_id) < (%(wallet_id)s, %(before)s) AND wallet_id >= %(wallet_id)s
                          ORDER BY wallet_id DESC, transfer_id DESC
                          LIMIT %(window)s
                        ) party
                  CROSS JOIN LATERAL (SELECT * FROM transfers WHERE id = party.transfer_id OFFSET 0) party_of)
               ) t
         ORDER BY id DESC
         LIMIT %(window)s
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
