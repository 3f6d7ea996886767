-- Limits each later statement of this transaction, in milliseconds. Locks nothing.
SELECT set_config('statement_timeout', %(limit_ms)s::text, true)
