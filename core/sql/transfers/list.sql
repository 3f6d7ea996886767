-- Returns transfers, newest first, below a given id and from another one on. With filters it searches a window of rows
-- (core/transfer_lists.py): returns those that match, and the last row of a full window, whether it matches or not.
-- No index has a status, because that would end HOT updates; the queued ones are read by transfers/list_queued.
-- Index: transfers_pkey. A row that is committed late never moves a row that was returned.
SELECT {{transfer}},
       matches, window_row = %(window)s AS ends_window
  FROM (
        SELECT t.*, {{matches}} AS matches, row_number() OVER (ORDER BY id DESC) AS window_row
          FROM transfers t
         WHERE id < %(before)s AND id >= %(down_to)s
         ORDER BY id DESC
         LIMIT %(window)s
       ) t
 WHERE matches OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
