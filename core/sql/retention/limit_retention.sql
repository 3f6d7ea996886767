-- Limits the rest of this transaction: each statement ends within this time, and reads along an index, so that it stops at its
-- LIMIT. A sequential or a bitmap scan would first read all rows that match.
-- Locks nothing.
SELECT set_config('statement_timeout', %(timeout)s, true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true)
