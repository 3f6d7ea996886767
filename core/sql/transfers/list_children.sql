-- Returns the captures, releases and reversals of a transfer, newest first, below a given id. `wallet_id` is that of the caller who
-- may see no others, or NULL. With it, a `status` or a `type`, it searches a window as transfers/list does.
-- Index: transfers_parent, read as a range, for the reason given in transfers/list_of_wallet.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, row_number() OVER (ORDER BY id DESC) AS window_row,
               {{matches}} AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s = ANY({{parties}})) AS matches
          FROM (
                SELECT *
                  FROM transfers
                 WHERE (parent, id) < (%(parent)s, %(before)s) AND parent >= %(parent)s
                 ORDER BY parent DESC, id DESC
                 LIMIT %(window)s
               ) t
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
