-- The feed: an event for every transfer that became final. It adds only a position to the transfer: its id is the transfer's, and
-- its type and its time are those of the outcome, so that event and transfer cannot differ.

-- No drain may run, and so no outcome be written, between the events that are made here and those that drains make from now on.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- Positions are ordered by `moment`: the id of the transaction that wrote the outcome, plus `shift`. Numbers of a sequence would be
-- drawn in one order and committed in another: a reader that has a larger one would miss a smaller one that is committed later. For
-- moments there is a bound below which no event will be added: feed_horizon().
ALTER TABLE transfers ADD COLUMN moment bigint, ADD COLUMN ordinal integer;

-- A row per transaction: its transfers in the order of their outcomes, so that an event costs hardly more than its id. The
-- transfer's row has its position too. EXTERNAL: trying to compress random bits is useless.
CREATE TABLE events (
    moment       bigint PRIMARY KEY,
    transfer_ids uuid[] STORAGE EXTERNAL NOT NULL CONSTRAINT some_transfers CHECK (cardinality(transfer_ids) >= 1)
);

-- One row. Another cluster counts its transactions from the beginning: after a restore there, core/sql/heal/continue_feed.sql
-- raises the shift, so that the next moment is greater than all stored ones.
CREATE TABLE feed (
    shift bigint NOT NULL
);
INSERT INTO feed (shift) VALUES (0);

-- Returns the moment of the calling transaction. Raises operator_intervention if transaction ids have started again, because
-- readers of the feed would miss events with smaller moments. That error delays transfers and never rejects one.
CREATE FUNCTION feed_moment() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    shift bigint := (SELECT feed.shift FROM feed);
    mine  bigint := shift + pg_current_xact_id()::text::bigint;
BEGIN
    IF (SELECT max(moment) FROM events) >= greatest(shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint, mine + 1) THEN
        RAISE EXCEPTION 'the database was restored in another cluster: run python -m core migrate'
              USING ERRCODE = 'operator_intervention';
    END IF;
    RETURN mine;
END
$$;

-- Every transaction with a smaller moment has ended, and what it committed is visible to the calling statement.
CREATE FUNCTION feed_horizon() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT shift + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM feed
$$;

-- Transfers that are final already come first, at moments that no transaction has, 500 per row.
WITH placed AS (
    UPDATE transfers t
       SET moment = final.number / 500 - 1000000000000, ordinal = final.number % 500 + 1
      FROM (SELECT id, row_number() OVER (ORDER BY finished_at, id) - 1 AS number FROM transfers WHERE status <> 'queued') final
     WHERE t.id = final.id
    RETURNING t.moment, t.ordinal, t.id
)
INSERT INTO events (moment, transfer_ids)
SELECT moment, array_agg(id ORDER BY ordinal) FROM placed GROUP BY moment;

-- A worker of an older version, which writes no events, can no longer make a transfer final.
ALTER TABLE transfers ADD CONSTRAINT place_iff_final CHECK (
    ((status = 'queued') = (moment IS NULL)) AND ((moment IS NULL) = (ordinal IS NULL))
);
