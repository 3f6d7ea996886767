-- The transfers that a wallet is a party to, newest first, from just below a given one. Leans on transfers_source, transfers_destination.
-- Written as ranges, because of equations the planner may make a walk through all transfers in the order of their ids. As in transfers/list, no more than a window of rows is searched for another status.
SELECT {{transfer}},
       place = %(window)s AS is_end
  FROM (
        SELECT *, row_number() OVER (ORDER BY id DESC) AS place
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
               ) either
         ORDER BY id DESC
         LIMIT %(window)s
       ) t
 WHERE %(status)s::text IS NULL OR status = %(status)s OR place = %(window)s
 ORDER BY id DESC
 LIMIT %(limit)s
