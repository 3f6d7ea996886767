-- Returns the moment of the transaction with which a segment of so many transfers is full, or no row if the history ends before.
-- Reads on from the segment's start and stops at the cut. Locks nothing. Index: events_pkey.
SELECT moment
  FROM (
        SELECT moment, sum(cardinality(transfer_ids)) OVER (ORDER BY moment ROWS UNBOUNDED PRECEDING) AS transfers
          FROM events
         WHERE moment >= %(start)s AND moment < %(before)s
       ) counted
 WHERE transfers >= %(size)s
 ORDER BY moment
 LIMIT 1
