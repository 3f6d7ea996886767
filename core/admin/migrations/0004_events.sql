-- The feed: an event for every transfer that became final. It adds nothing to the transfer but a place: its id is the transfer's,
-- its type and its time are those of the verdict, so that no event can say anything else.

-- No drain, and so no verdict, between the events that are made here and those that drains make from now on.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- Places are ordered by `moment`: the id of the transaction that wrote the verdict, moved on by `shift`. A sequence's numbers would
-- be drawn in one order and committed in another, and a reader who has seen a larger one would never see the smaller ones behind
-- it. Of moments a reader knows below which one nothing will ever be added: feed_horizon().
ALTER TABLE transfers ADD COLUMN moment bigint, ADD COLUMN ordinal integer;

-- A row a transaction: its transfers in the order of their verdicts, so that an event costs hardly more than its id. Who has a
-- transfer's id finds its place with the transfer. EXTERNAL: random bits are not worth trying to compress.
CREATE TABLE events (
    moment       bigint PRIMARY KEY,
    transfer_ids uuid[] STORAGE EXTERNAL NOT NULL CONSTRAINT some_transfers CHECK (cardinality(transfer_ids) >= 1)
);

-- One row. Another cluster counts its transactions from the beginning again: after a restore there, core/sql/heal/continue_feed.sql
-- moves the moments to come behind those that are stored.
CREATE TABLE feed (
    shift bigint NOT NULL
);
INSERT INTO feed (shift) VALUES (0);

-- The moment of the transaction that asks. Refuses to give any when the ids of transactions have begun anew, because events would
-- then appear behind those who read the feed: as an operator's intervention, which delays transfers and never rejects one.
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

-- Every transaction with a smaller moment has ended, and what it committed is visible to the statement that asks.
CREATE FUNCTION feed_horizon() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT shift + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM feed
$$;

-- What has been final for long comes first, at moments that no transaction has, 500 to a row.
WITH placed AS (
    UPDATE transfers t
       SET moment = final.number / 500 - 1000000000000, ordinal = final.number % 500 + 1
      FROM (SELECT id, row_number() OVER (ORDER BY finished_at, id) - 1 AS number FROM transfers WHERE status <> 'queued') final
     WHERE t.id = final.id
    RETURNING t.moment, t.ordinal, t.id
)
INSERT INTO events (moment, transfer_ids)
SELECT moment, array_agg(id ORDER BY ordinal) FROM placed GROUP BY moment;

-- Whoever knows of no events, such as a worker of an older version, makes no transfer final any more.
ALTER TABLE transfers ADD CONSTRAINT place_iff_final CHECK (
    ((status = 'queued') = (moment IS NULL)) AND ((moment IS NULL) = (ordinal IS NULL))
);
