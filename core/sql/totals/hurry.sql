-- Lets the COMMIT of this transaction wait for no disk and no standby: it adds rows that can be derived again.
SET LOCAL synchronous_commit = off
