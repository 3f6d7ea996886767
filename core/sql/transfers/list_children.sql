-- Returns the captures, releases and reversals of a transfer, newest first, below a given id and from another one on. With further
-- filters it searches a window as transfers/list does.
-- Index: wallets_client_currency; transfers_parent, read as a range, for the reason given in transfers/list_of_wallet.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, {{matches}} AS matches, row_number() OVER (ORDER BY id DESC) AS window_row
          FROM (
                SELECT *
                  FROM transfers
                 WHERE (parent, id) < (%(parent)s, %(before)s) AND parent >= %(parent)s AND (parent, id) >= (%(parent)s, %(down_to)s)
                 ORDER BY parent DESC, id DESC
                 LIMIT %(window)s
               ) t
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
