-- Takes away events that stand where others are still to come and that no transfer knows of: no drain wrote them, and behind them nothing
-- becomes final. After a restore in another cluster events stand there too, and their transfers know of them. Leans on events_pkey, and on
-- transfers_pkey a transfer.
DELETE FROM events e
 WHERE e.moment >= (SELECT shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM feed)
   AND NOT EXISTS (SELECT FROM transfers t WHERE t.id = ANY (e.transfer_ids) AND t.moment = e.moment)
