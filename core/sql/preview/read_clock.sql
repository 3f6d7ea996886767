-- Returns the time of the transaction, by the database's clock.
SELECT now() AS now
