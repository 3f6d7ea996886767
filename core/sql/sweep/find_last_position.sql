-- Returns the last position of the queue that was given.
-- By a function that locks the sequence's page: a plain read may return a number that is still to be given. Locks nothing for
-- longer.
SELECT coalesce(pg_sequence_last_value('queue_position_seq'), 0) AS position
