-- Withdrawals, holds, captures, releases, reversals; canceled, scheduled and expiring transfers; what a wallet has reserved.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- A transfer that says more than two wallets and an amount is called special. All its columns are nullable, so a plain transfer
-- stores none of them.
-- `parent` is the hold or the movement that a capture, a release or a reversal is of.
-- `captured` and `returned` are of the parent: what its children have taken. What is left of a hold is amount - captured - returned.
-- `fit` says how the amount is found when the transfer is applied: 'rest' is all that is left of the parent, 'funds' as much as the
-- debited wallet has available, 'rest_and_funds' both. `amount` is then the most that it may be. `moved` is what it came to: 0 unless
-- applied, and NULL for a plain transfer.
-- `closes`: a capture that gives back what it leaves of its hold.
-- `apply_by` is the last moment at which a drain that applies the transfer may begin. A scheduled one gets it, from
-- `apply_within_s`, with its place in the queue.
ALTER TABLE transfers
    ADD COLUMN parent uuid,
    ADD COLUMN captured bigint,
    ADD COLUMN returned bigint,
    ADD COLUMN moved bigint,
    ADD COLUMN fit text,
    ADD COLUMN closes boolean,
    ADD COLUMN scheduled_for timestamptz,
    ADD COLUMN apply_within_s integer,
    ADD COLUMN apply_by timestamptz,
    ADD COLUMN expires_at timestamptz;

-- NOT VALID: only new rows are checked, and no table is read. The rows that exist have no value in the new columns.
ALTER TABLE transfers
    DROP CONSTRAINT known_type,
    DROP CONSTRAINT known_status,
    DROP CONSTRAINT known_failure_code;
ALTER TABLE transfers
    ADD CONSTRAINT known_type CHECK (
        type IN ('deposit', 'withdrawal', 'transfer', 'hold', 'capture', 'release', 'reversal')
    ) NOT VALID,
    ADD CONSTRAINT known_status CHECK (status IN ('queued', 'applied', 'rejected', 'canceled')) NOT VALID,
    ADD CONSTRAINT known_failure_code CHECK (
        failure_code IN ('deadline_passed', 'hold_closed', 'hold_exceeded', 'reversal_exceeded', 'insufficient_funds',
                         'balance_limit_exceeded', 'internal')
    ) NOT VALID,
    ADD CONSTRAINT parent_iff_child CHECK ((parent IS NOT NULL) = (type IN ('capture', 'release', 'reversal'))) NOT VALID,
    ADD CONSTRAINT known_fit CHECK (
        CASE fit WHEN 'funds' THEN true WHEN 'rest' THEN parent IS NOT NULL WHEN 'rest_and_funds' THEN parent IS NOT NULL
                 ELSE fit IS NULL END
    ) NOT VALID,
    ADD CONSTRAINT closes_a_hold CHECK (closes IS NULL OR type = 'capture') NOT VALID,
    ADD CONSTRAINT expires_iff_hold CHECK ((expires_at IS NOT NULL) = (type = 'hold')) NOT VALID,
    ADD CONSTRAINT apply_within_limits CHECK (apply_within_s BETWEEN 1 AND 86400) NOT VALID,
    ADD CONSTRAINT apply_by_iff_within CHECK (apply_by IS NULL OR apply_within_s IS NOT NULL) NOT VALID,
    ADD CONSTRAINT moved_within_amount CHECK (moved >= 0 AND moved <= 9007199254740991 AND moved <= amount) NOT VALID,
    ADD CONSTRAINT remainder_within_amount CHECK (
        captured >= 0 AND captured <= 9007199254740991
        AND returned >= 0 AND returned <= 9007199254740991
        AND (captured IS NULL OR type = 'hold')
        AND coalesce(captured, 0) + coalesce(returned, 0) <= coalesce(moved, amount)
    ) NOT VALID,
    ADD CONSTRAINT appointments_have_four_digits CHECK (
        scheduled_for BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
        AND apply_by BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
        AND expires_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
    ) NOT VALID;

-- Finds the children of a transfer. Plain transfers are not in it, and none of its columns changes: the verdict stays HOT.
CREATE INDEX transfers_parent ON transfers (parent, id) WHERE parent IS NOT NULL;

-- A worker of an older version reads only the two wallets and the amount. It would apply a hold as a transfer, and pay out what is
-- reserved. The CHECKs that call this function stop it: it writes neither `moved` nor `held`. The state 0A000 is one that every
-- version takes for a fault that passes: the shard waits for a worker of this version, and no transfer is counted as failed.
-- A CHECK costs less than a trigger: a BEFORE UPDATE trigger locks each row by a record of its own in the write-ahead log.
-- VOLATILE, so that the planner does not call it while it plans.
CREATE FUNCTION refuse_older_worker() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'this transfer or this wallet needs a worker of a newer version' USING ERRCODE = 'feature_not_supported';
END
$$;
ALTER TABLE transfers ADD CONSTRAINT special_needs_newer_worker CHECK (
    (parent IS NULL AND fit IS NULL AND expires_at IS NULL AND apply_within_s IS NULL)
    OR status = 'queued'
    OR moved IS NOT NULL
    OR refuse_older_worker()
) NOT VALID;

-- What a client's open holds have reserved: part of the balance, and not available. No entry changes it.
ALTER TABLE wallets ADD COLUMN held bigint NOT NULL DEFAULT 0;
ALTER TABLE wallets
    ADD CONSTRAINT held_in_limits CHECK (held >= 0 AND held <= 9007199254740991 AND (held = 0 OR kind = 'client')) NOT VALID,
    ADD CONSTRAINT held_needs_newer_worker CHECK (held <= balance OR kind = 'external' OR refuse_older_worker()) NOT VALID;

-- What happens at a time, a row each. 'apply': a scheduled transfer gets its place in the queue. 'release': an open hold ends; the
-- row exists as long as the hold is open, and its time is infinity once the release is queued. The sweeper moves what is due
-- (core/sql/sweep/queue_due.sql). The API may insert rows of the default verb alone.
CREATE TABLE due (
    wallet_id   uuid        NOT NULL,
    transfer_id uuid        NOT NULL,
    verb        text        NOT NULL DEFAULT 'apply' CONSTRAINT known_verb CHECK (verb IN ('apply', 'release')),
    shard       integer     NOT NULL CONSTRAINT shard_not_negative CHECK (shard >= 0),
    due_at      timestamptz NOT NULL CONSTRAINT due_since_1970 CHECK (due_at >= '1970-01-01Z'::timestamptz),
    PRIMARY KEY (transfer_id, verb)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX due_next ON due (shard, due_at);
CREATE INDEX due_wallet ON due (wallet_id, verb, transfer_id);
CREATE INDEX due_scheduled ON due (transfer_id) WHERE verb = 'apply';

-- Returns the text that callers are shown for an id: the prefix, and the bits in 26 characters of base32 (TypeID 0.3).
CREATE FUNCTION typeid(prefix text, id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT prefix || '_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + digit, 1), '' ORDER BY place)
      FROM (
            SELECT place, substring(B'00' || ('x' || replace(id::text, '-', ''))::bit(128) FROM 5 * place + 1 FOR 5)::bit(5)::integer
              FROM generate_series(0, 25) place
           ) digits (place, digit)
$$;

-- Stores the releases of all that is left of holds that have expired; leaves out a hold that is not open, has not expired, or has that
-- release already. Returns each release with its shard and with the time since when it is due. The workers may insert no transfer. This
-- function runs with the owner's rights and inserts these alone. Their keys have a space, which no caller's key has; with the owner
-- such a key is unique, so a hold expires once. All of a sweep are stored by one call, because a call costs as much as four rows.
CREATE FUNCTION release_expired(holds uuid[]) RETURNS TABLE (shard integer, due_at timestamptz, transfer_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH expired AS MATERIALIZED (
        SELECT t.*, 'expiry ' || typeid('trf', t.id) AS key
          FROM unnest(holds) AS wanted (id)
         CROSS JOIN LATERAL (
                SELECT id, source, destination, amount, currency, owner, shard
                  FROM transfers
                 WHERE id = wanted.id
                   AND type = 'hold'
                   AND status = 'applied'
                   AND expires_at < now()
                   AND amount > coalesce(captured, 0) + coalesce(returned, 0)
                OFFSET 0
               ) t
    ), released AS (
        INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint, shard,
                               parent, fit)
        SELECT mint_uuid(), 'release', e.source, e.destination, e.amount, e.currency, '{}', e.owner, e.key,
               sha256(convert_to(e.key, 'UTF8')), e.shard, e.id, 'rest'
          FROM expired e
        ON CONFLICT DO NOTHING
        RETURNING id, shard, parent
    )
    SELECT r.shard, hold.expires_at + interval '1 second', r.id
      FROM released r
     CROSS JOIN LATERAL (SELECT expires_at FROM transfers WHERE id = r.parent OFFSET 0) hold
$$;

-- Makes a queued or scheduled transfer final as canceled, with its event and its fan-outs, as core/sql/drain/finish_transfers.sql
-- does for outcomes. Returns whether webhooks are due; NULL, with nothing changed, if the transfer is final or does not exist.
-- The API may write no outcome. This function runs with the owner's rights and writes this one alone.
-- Each statement of a VOLATILE function has a new snapshot. So what follows the lock sees all that a drain of the shard has
-- committed, and no drain of the shard runs until the caller's transaction ends: a drain that has claimed the transfer makes it
-- final first. The place is deleted before the transfer is locked: the sweeper, too, takes them in this order.
CREATE FUNCTION cancel_transfer(wanted uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    asked   transfers;
    begins  bigint;
    placed  bigint;
    is_due  boolean;
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
           moved = CASE WHEN coalesce(t.parent::text, t.fit, t.expires_at::text, t.apply_within_s::text) IS NOT NULL THEN 0 END,
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
        OR EXISTS (SELECT FROM webhook_endpoints
                    WHERE wallet_id = ANY (ARRAY[asked.source, asked.destination]) AND status = 'enabled')
    UNION ALL
    SELECT 'operators', asked.moment
     WHERE EXISTS (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND status = 'enabled');
    RETURN FOUND;
END
$$;

-- Endpoints may ask for the new event. Those that exist keep their lists.
ALTER TABLE webhook_endpoints DROP CONSTRAINT known_events;
ALTER TABLE webhook_endpoints ADD CONSTRAINT known_events CHECK (
    events <@ ARRAY['transfer.applied', 'transfer.rejected', 'transfer.canceled', 'webhook_endpoint.disabled']
    AND cardinality(events) BETWEEN 1 AND 4
);
