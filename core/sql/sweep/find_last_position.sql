-- The last position of the queue that was drawn. Asked of a function that locks the sequence's page: a plain read may see a number that
-- is yet to be drawn. Locks nothing for longer.
SELECT coalesce(pg_sequence_last_value('queue_position_seq'), 0) AS position
