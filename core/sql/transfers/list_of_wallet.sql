-- Returns the transfers of a wallet, or of all wallets of a client, newest first, below a given id and from another one on. The
-- wallets of a client are those of the statement's own snapshot. With further filters it searches a window as transfers/list does.
-- Index: wallets_client_currency, transfers_source, transfers_destination, and parties_pkey with transfers_pkey per row of it. Read as
-- ranges: with equations the planner may read all transfers in the order of their ids.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, {{matches}} AS matches, row_number() OVER (ORDER BY t.id DESC) AS window_row
          FROM (
                SELECT %(wallet_id)s::uuid AS id WHERE %(wallet_id)s::uuid IS NOT NULL
                UNION ALL
                SELECT id FROM wallets WHERE client_id = %(client_id)s AND %(wallet_id)s::uuid IS NULL
               ) w
         CROSS JOIN LATERAL (
                (SELECT *
                   FROM transfers
                  WHERE (source, id) < (w.id, %(before)s) AND source >= w.id
                    AND (source, id) >= (w.id, %(down_to)s)
                  ORDER BY source DESC, id DESC
                  LIMIT %(window)s)
                UNION ALL
                (SELECT *
                   FROM transfers
                  WHERE (destination, id) < (w.id, %(before)s) AND destination >= w.id
                    AND (destination, id) >= (w.id, %(down_to)s)
                  ORDER BY destination DESC, id DESC
                  LIMIT %(window)s)
                UNION ALL
                (SELECT party_of.*
                   FROM (
                         SELECT transfer_id
                           FROM parties
                          WHERE (wallet_id, transfer_id) < (w.id, %(before)s) AND wallet_id >= w.id
                            AND (wallet_id, transfer_id) >= (w.id, %(down_to)s)
                          ORDER BY wallet_id DESC, transfer_id DESC
                          LIMIT %(window)s
                        ) party
                  CROSS JOIN LATERAL (SELECT * FROM transfers WHERE id = party.transfer_id OFFSET 0) party_of)
               ) t
         ORDER BY t.id DESC
         LIMIT %(window)s
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
