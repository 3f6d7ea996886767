-- Transfers, newest first, from just below a given one. `status` may be NULL, which means all.
-- Leans on transfers_pkey. Ids are older the smaller they are; a row that is committed late never moves a row already shown.
-- No status but that of the queued ones, which have transfers/list_queued, is in an index: that would end HOT. So no more than a window
-- of rows is searched for one; its last row comes along, whatever its status, as the end of the search.
SELECT {{transfer}},
       place = %(window)s AS is_end
  FROM (
        SELECT *, row_number() OVER (ORDER BY id DESC) AS place
          FROM transfers
         WHERE id < %(before)s
         ORDER BY id DESC
         LIMIT %(window)s
       ) t
 WHERE %(status)s::text IS NULL OR status = %(status)s OR place = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
