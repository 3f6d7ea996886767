-- A second row would leave feed_moment() without an answer, and nothing would become final. That one is there, the audit asks.
CREATE UNIQUE INDEX feed_has_one_row ON feed ((true));
