-- Deletes from `due` what no process of Teller put there: times of transfers that are missing or final, or that have a place in the
-- queue, and ends of what is no open hold. Reads all rows of `due`, and the whole queue.
-- Index: transfers_pkey per row.
DELETE FROM due d
 WHERE NOT CASE d.verb
               WHEN 'apply' THEN EXISTS (SELECT FROM transfers t WHERE t.id = d.transfer_id AND t.status = 'queued')
                                 AND NOT EXISTS (SELECT FROM queue q WHERE q.transfer_id = d.transfer_id)
               ELSE EXISTS (SELECT FROM transfers t
                             WHERE t.id = d.transfer_id AND t.type = 'hold' AND t.status = 'applied'
                               AND t.amount > coalesce(t.captured, 0) + coalesce(t.returned, 0))
           END
