-- Lets the COMMIT of this transaction wait for no disk and no standby: it adds rows that can be derived again.
SELECT set_config('synchronous_commit', 'off', true)
