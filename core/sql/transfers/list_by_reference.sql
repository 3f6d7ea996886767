-- Returns the transfers of a reference, newest first, below a given id and from another one on. With further filters it searches a
-- window as transfers/list does.
-- Index: transfers_reference, read as a range, for the reason given in transfers/list_of_wallet.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, {{matches}} AS matches, row_number() OVER (ORDER BY id DESC) AS window_row
          FROM (
                SELECT *
                  FROM transfers
                 WHERE (reference COLLATE "C", id) < (%(reference)s::text COLLATE "C", %(before)s)
                   AND reference COLLATE "C" >= %(reference)s::text COLLATE "C"
                   AND (reference COLLATE "C", id) >= (%(reference)s::text COLLATE "C", %(down_to)s)
                 ORDER BY reference COLLATE "C" DESC, id DESC
                 LIMIT %(window)s
               ) t
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
