-- With a second row feed_moment() would fail, and no transfer become final. The audit checks that there is one row.
CREATE UNIQUE INDEX feed_has_one_row ON feed ((true));
