-- Gives the feed its one row again where it is gone or its shift is beyond what any restore leaves; core/sql/heal/continue_feed.sql then moves
-- it behind the events that are stored. Returns a row where it did.
MERGE INTO feed
USING (SELECT 0 AS shift) zero ON true
 WHEN MATCHED AND feed.shift NOT BETWEEN -1152921504606846976 AND 1152921504606846976 THEN UPDATE SET shift = 0
 WHEN NOT MATCHED THEN INSERT (shift) VALUES (0)
