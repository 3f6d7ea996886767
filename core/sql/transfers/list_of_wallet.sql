-- Returns the transfers of a wallet, newest first, below a given id. With a `status` or a `type`, it searches a window as
-- transfers/list does.
-- Index: transfers_source, transfers_destination. Read as ranges: with equations the planner may read all transfers in the order of
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
               ) t
         ORDER BY id DESC
         LIMIT %(window)s
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
