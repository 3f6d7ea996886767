-- Deletes rows of events at or above the next moment, of which no transfer has that moment. No drain wrote such a row, and while it
-- is there no transfer becomes final: feed_moment() raises an error.
-- A restore in another cluster also leaves events at such moments. Their transfers have the same moments, so they stay.
-- Index: events_pkey, and transfers_pkey per transfer.
DELETE FROM events e
 WHERE e.moment >= (SELECT shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM feed)
   AND NOT EXISTS (SELECT FROM transfers t WHERE t.id = ANY (e.transfer_ids) AND t.moment = e.moment)
