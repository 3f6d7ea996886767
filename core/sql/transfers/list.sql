-- Returns transfers, newest first, below a given id. With a `status`, it searches a window of rows (core/transfers.py).
-- Returns those with the status, and the last row of a full window, whatever its status. `status` may be NULL, which means all.
-- No index has a status, because that would end HOT updates; the queued ones are read by transfers/list_queued.
-- Index: transfers_pkey. A row that is committed late never moves a row that was returned.
SELECT {{transfer}},
       window_row = %(window)s AS ends_window
  FROM (
        SELECT *, row_number() OVER (ORDER BY id DESC) AS window_row
          FROM transfers
         WHERE id < %(before)s
         ORDER BY id DESC
         LIMIT %(window)s
       ) t
 WHERE %(status)s::text IS NULL OR status = %(status)s OR window_row = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
