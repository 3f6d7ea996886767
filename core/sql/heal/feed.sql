-- Inserts the one row of the feed if it is missing, and resets a shift that no restore can lead to. Returns a row if it did.
-- core/sql/heal/continue_feed.sql then raises the shift above the stored events.
MERGE INTO feed
USING (SELECT 0 AS shift) zero ON true
 WHEN MATCHED AND feed.shift NOT BETWEEN -1152921504606846976 AND 1152921504606846976 THEN UPDATE SET shift = 0
 WHEN NOT MATCHED THEN INSERT (shift) VALUES (0)
