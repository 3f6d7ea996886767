-- Deletes events at or above the next moment that are of no transfer: no drain wrote them, and no transfer becomes final behind
-- them.
-- After a restore in another cluster there are events too at such moments, but their transfers have the same moments.
-- Index: events_pkey, and transfers_pkey per transfer.
DELETE FROM events e
 WHERE e.moment >= (SELECT shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM feed)
   AND NOT EXISTS (SELECT FROM transfers t WHERE t.id = ANY (e.transfer_ids) AND t.moment = e.moment)
