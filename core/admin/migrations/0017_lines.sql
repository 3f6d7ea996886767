-- Transfers with several debits or credits: their lines, and the wallets that are parties to them.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- The lines of a transfer that does not simply move its amount from `source` to `destination`: a signed amount for each wallet, debits
-- first. `source` and `destination` are then the first debit's and the first credit's wallet, and `amount` is what all credits sum to.
-- Both are NULL for any other transfer, so it stores nothing for them.
-- `unreversed` is what reversals may still take of a transfer with lines: `moved` without `returned`. It is written wherever one of the
-- two is written, so it tells a worker of this version from an older one.
ALTER TABLE transfers
    ADD COLUMN wallet_ids uuid[],
    ADD COLUMN amounts bigint[],
    ADD COLUMN unreversed bigint;

-- Whether these are lines: 2 to 32, each of another wallet, none of 0, debits before credits, of which both sum to the amount; the
-- first debit is the source's and the first credit the destination's.
CREATE FUNCTION are_lines(wallet_ids uuid[], amounts bigint[], source uuid, destination uuid, amount bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_ndims(wallet_ids) = 1
       AND array_ndims(amounts) = 1
       AND cardinality(wallet_ids) = cardinality(amounts)
       AND cardinality(wallet_ids) BETWEEN 2 AND 32
       AND wallet_ids[1] = source
       AND (
            SELECT count(DISTINCT line.wallet) = count(*)
               AND bool_and(coalesce(line.amount <> 0, false))
               AND sum(line.amount) = 0
               AND sum(line.amount) FILTER (WHERE line.amount > 0) = are_lines.amount
               AND max(line.place) FILTER (WHERE line.amount < 0) = count(*) FILTER (WHERE line.amount < 0)
               AND (array_agg(line.wallet ORDER BY line.place) FILTER (WHERE line.amount > 0))[1] = are_lines.destination
              FROM unnest(wallet_ids, amounts) WITH ORDINALITY AS line (wallet, amount, place)
           )
$$;

-- NOT VALID: only new rows are checked, and no table is read. The rows that exist have no value in the new columns.
-- Reversed is a transfer with more than two lines as a whole, or not at all.
-- A worker of an older version would move the whole amount from the source to the destination. The last CHECK stops it, and lets its
-- shard wait for a worker of this version: see refuse_older_worker() in 0012_money_verbs.sql.
ALTER TABLE transfers
    ADD CONSTRAINT lines_are_whole CHECK (
        CASE WHEN wallet_ids IS NULL THEN amounts IS NULL AND unreversed IS NULL
             ELSE type IN ('transfer', 'capture', 'reversal')
                  AND fit IS NULL
                  AND are_lines(wallet_ids, amounts, source, destination, amount) IS TRUE END
    ) NOT VALID,
    ADD CONSTRAINT unreversed_within_limits CHECK (unreversed >= 0 AND unreversed <= 9007199254740991) NOT VALID,
    ADD CONSTRAINT lines_are_reversed_whole CHECK (
        wallet_ids IS NULL OR returned IS NULL OR cardinality(wallet_ids) = 2 OR returned = moved
    ) NOT VALID,
    ADD CONSTRAINT lines_need_newer_worker CHECK (
        wallet_ids IS NULL
        OR status = 'queued'
        OR (unreversed = moved - coalesce(returned, 0)) IS TRUE
        OR refuse_older_worker()
    ) NOT VALID;

-- The third and further wallets of transfers with lines, so that lists and feeds of a wallet find them. The first two are found by the
-- indexes of transfers on `source` and `destination`.
CREATE TABLE parties (
    wallet_id   uuid NOT NULL,
    transfer_id uuid NOT NULL,
    PRIMARY KEY (wallet_id, transfer_id)
);

-- As in 0016_wallet_rules.sql, and for transfers with lines: `moved` and `unreversed` are 0, and endpoints of all parties count.
CREATE OR REPLACE FUNCTION cancel_transfer(wanted uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    asked   transfers;
    begins  bigint;
    placed  bigint;
BEGIN
    SELECT * INTO asked FROM transfers WHERE id = wanted AND NOT starts_with(idempotency_key, 'expiry ');
    SELECT floor INTO begins FROM shards WHERE shard = asked.shard FOR UPDATE;
    DELETE FROM due WHERE transfer_id = wanted AND verb = 'apply' AND asked.id IS NOT NULL;
    GET DIAGNOSTICS placed = ROW_COUNT;
    IF placed = 0 THEN
        DELETE FROM queue
         WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM queue WHERE shard = asked.shard AND position >= begins AND transfer_id = wanted));
        GET DIAGNOSTICS placed = ROW_COUNT;
    END IF;
    UPDATE transfers t
       SET status = 'canceled',
           moved = CASE WHEN t.amount = 0
                             OR coalesce(t.parent::text, t.fit, t.expires_at::text, t.apply_within_s::text, t.wallet_ids::text) IS NOT NULL
                        THEN 0 END,
           unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN 0 END,
           finished_at = greatest(clock_timestamp(), t.created_at),
           moment = feed_moment(),
           ordinal = 1
     WHERE id = wanted AND status = 'queued' AND placed > 0
    RETURNING * INTO asked;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO events (transfer_ids) VALUES (ARRAY[wanted]);
    INSERT INTO fan_outs (audience, moment)
    SELECT 'parties', asked.moment
     WHERE asked.callback_url IS NOT NULL
        OR EXISTS (SELECT FROM wallets w JOIN webhook_endpoints e ON e.client_id = w.client_id
                    WHERE w.id = ANY (coalesce(asked.wallet_ids, ARRAY[asked.source, asked.destination])) AND e.status = 'enabled')
    UNION ALL
    SELECT 'operators', asked.moment
     WHERE EXISTS (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND status = 'enabled');
    RETURN FOUND;
END
$$;
