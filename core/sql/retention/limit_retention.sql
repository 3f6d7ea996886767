-- Limits the rest of this transaction: each statement ends within this time, and none reads a whole table.
-- Locks nothing.
SELECT set_config('statement_timeout', %(timeout)s, true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true)
