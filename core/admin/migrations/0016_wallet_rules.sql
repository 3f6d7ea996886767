-- Freezing, limits and closing of wallets, and their history.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- A closure closes the wallet `source`. `sweeps`: it moves the balance to `destination`. Its amount is 0, because the balance is known
-- when it is applied; `moved` is what it came to. The older workers' statements do not take it for special: they write no `moved`.
-- `counted_on` is the UTC day in whose windows the amount counts against the limits of the wallets that it debits.
ALTER TABLE transfers ADD COLUMN sweeps boolean, ADD COLUMN counted_on date;

-- NOT VALID: only new rows are checked, and no table is read. The rows that exist satisfy these, as they satisfied the earlier ones.
ALTER TABLE transfers
    DROP CONSTRAINT known_type,
    DROP CONSTRAINT known_failure_code,
    DROP CONSTRAINT amount_within_limits,
    DROP CONSTRAINT moved_within_amount,
    DROP CONSTRAINT apply_by_iff_within,
    DROP CONSTRAINT special_needs_newer_worker;
ALTER TABLE transfers
    ADD CONSTRAINT known_type CHECK (
        type IN ('deposit', 'withdrawal', 'transfer', 'hold', 'capture', 'release', 'reversal', 'closure')
    ) NOT VALID,
    ADD CONSTRAINT known_failure_code CHECK (
        failure_code IN ('deadline_passed', 'wallet_closed', 'wallet_frozen', 'hold_closed', 'hold_exceeded', 'reversal_exceeded',
                         'wallet_has_holds', 'wallet_not_empty', 'debit_limit_exceeded', 'daily_limit_exceeded',
                         'monthly_limit_exceeded', 'insufficient_funds', 'balance_limit_exceeded', 'internal')
    ) NOT VALID,
    ADD CONSTRAINT amount_within_limits CHECK (
        amount >= 0 AND amount <= 9007199254740991 AND (amount = 0) = (type = 'closure')
    ) NOT VALID,
    ADD CONSTRAINT moved_within_amount CHECK (
        moved >= 0 AND moved <= 9007199254740991 AND (moved <= amount OR type = 'closure')
    ) NOT VALID,
    ADD CONSTRAINT apply_by_iff_within CHECK (apply_by IS NULL OR apply_within_s IS NOT NULL OR type = 'closure') NOT VALID,
    ADD CONSTRAINT special_needs_newer_worker CHECK (
        (parent IS NULL AND fit IS NULL AND expires_at IS NULL AND apply_within_s IS NULL AND amount > 0)
        OR status = 'queued'
        OR moved IS NOT NULL
        OR refuse_older_worker()
    ) NOT VALID,
    ADD CONSTRAINT closes_as_plain CHECK (
        CASE amount WHEN 0 THEN fit IS NULL AND apply_within_s IS NULL ELSE sweeps IS NULL END
    ) NOT VALID,
    ADD CONSTRAINT counted_when_applied CHECK (
        counted_on IS NULL OR (status = 'applied' AND type IN ('withdrawal', 'transfer', 'hold'))
    ) NOT VALID;

-- The rules of a wallet: whether it is closed, what of it is frozen, and its limits. A limit that is NULL is no limit. From the moment
-- when a limit is first set, `counted_since`, what is debited is counted: in the UTC day `counted_day`, and in the month of that day.
-- `guard` is NULL while a wallet has no rules: for such a one the drain reads and writes nothing more. Otherwise it repeats version
-- and held. A worker of an older version changes these two and not `guard`, and so is stopped by a CHECK, as by those of
-- 0012_money_verbs.sql. PostgreSQL evaluates CHECKs in the order of their names: this one comes before those that an older worker
-- could violate, because their violation would not be taken for a fault that passes.
ALTER TABLE wallets
    ADD COLUMN guard bigint[],
    ADD COLUMN frozen text,
    ADD COLUMN balance_max bigint,
    ADD COLUMN debit_max bigint,
    ADD COLUMN debits_per_day_max bigint,
    ADD COLUMN debits_per_month_max bigint,
    ADD COLUMN counted_since timestamptz,
    ADD COLUMN counted_day date,
    ADD COLUMN debits_today bigint,
    ADD COLUMN debits_this_month bigint,
    DROP CONSTRAINT known_status;
ALTER TABLE wallets
    ADD CONSTRAINT guard_needs_newer_worker CHECK (guard IS NULL OR guard = ARRAY[version, held] OR refuse_older_worker()) NOT VALID,
    ADD CONSTRAINT is_empty_when_closed CHECK (status <> 'closed' OR (balance = 0 AND held = 0)) NOT VALID,
    ADD CONSTRAINT known_status CHECK (status IN ('active', 'closed')) NOT VALID,
    ADD CONSTRAINT rules_are_guarded CHECK (
        guard IS NOT NULL
        OR (status = 'active' AND frozen IS NULL AND counted_since IS NULL
            AND coalesce(balance_max, debit_max, debits_per_day_max, debits_per_month_max) IS NULL)
    ) NOT VALID,
    ADD CONSTRAINT rules_of_clients CHECK (guard IS NULL OR (kind = 'client' AND frozen IN ('debits', 'credits', 'all'))) NOT VALID,
    ADD CONSTRAINT rules_within_limits CHECK (
        guard IS NULL
        OR (balance_max BETWEEN 1 AND 9007199254740991 AND debit_max BETWEEN 1 AND 9007199254740991
            AND debits_per_day_max BETWEEN 1 AND 9007199254740991 AND debits_per_month_max BETWEEN 1 AND 9007199254740991)
    ) NOT VALID,
    ADD CONSTRAINT rules_are_counted CHECK (
        guard IS NULL
        OR CASE WHEN counted_since IS NULL
                THEN num_nonnulls(balance_max, debit_max, debits_per_day_max, debits_per_month_max, counted_day, debits_today,
                                  debits_this_month) = 0
                ELSE num_nulls(counted_day, debits_today, debits_this_month) = 0
                     AND debits_today >= 0 AND debits_today <= 9007199254740991 AND debits_today <= debits_this_month
                     AND debits_this_month >= 0 AND debits_this_month <= 9007199254740991
           END
    ) NOT VALID;

-- Each change of a wallet's rules, for ever: numbered 1..n, each `before` the `after` of the one before. `key_id` is the API key that
-- asked for it; NULL for a closure, whose `reason` names it, and for the key of the settings.
CREATE TABLE wallet_changes (
    wallet_id  uuid        NOT NULL,
    number     integer     NOT NULL CONSTRAINT number_positive CHECK (number >= 1),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    key_id     uuid,
    before     jsonb       NOT NULL,
    after      jsonb       NOT NULL,
    reason     text        NOT NULL CONSTRAINT reason_length CHECK (char_length(reason) BETWEEN 1 AND 200),
    PRIMARY KEY (wallet_id, number),
    CONSTRAINT something_changed CHECK (before <> after)
);

CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of wallet_changes is forbidden: the history is only ever added to', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER changes_are_final BEFORE UPDATE OR DELETE ON wallet_changes FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER changes_are_kept BEFORE TRUNCATE ON wallet_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

-- Returns the UTC day of this transaction.
CREATE FUNCTION utc_today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE 'UTC')::date $$;

-- Returns the first day of the day's month.
CREATE FUNCTION month_of(day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$ SELECT date_trunc('month', day::timestamp)::date $$;

-- Returns a wallet's rules as its history has them. Of a closed wallet they have its version, so that a later entry is seen.
CREATE FUNCTION standing_of(
    status text, frozen text, balance_max bigint, debit_max bigint, debits_per_day_max bigint, debits_per_month_max bigint, version bigint
) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
               'status', status,
               'frozen', frozen,
               'limits', jsonb_build_object('balance_max', balance_max, 'debit_max', debit_max,
                                            'debits_per_day_max', debits_per_day_max, 'debits_per_month_max', debits_per_month_max))
           || CASE WHEN status = 'closed' THEN jsonb_build_object('version', version) ELSE '{}' END
$$;

-- Returns a wallet's rules with its counters in the windows of today, as core.ledger.rules.rules_of reads them. Days are counted from
-- 1970 on. The windows never go back: after a counter of a later day, today is that day.
CREATE FUNCTION rules_of(
    status text, frozen text, balance_max bigint, debit_max bigint, debits_per_day_max bigint, debits_per_month_max bigint,
    counted_day date, debits_today bigint, debits_this_month bigint
) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT (standing_of(status, frozen, balance_max, debit_max, debits_per_day_max, debits_per_month_max, 0)
           || jsonb_build_object('counters', CASE WHEN counted_day IS NOT NULL THEN (
                SELECT jsonb_build_object(
                           'today', today - date '1970-01-01',
                           'month_began', month_of(today) - date '1970-01-01',
                           'debits_today', CASE WHEN today = counted_day THEN debits_today ELSE 0 END,
                           'debits_this_month', CASE WHEN month_of(today) = month_of(counted_day) THEN debits_this_month ELSE 0 END)
                  FROM greatest(counted_day, utc_today()) AS today
              ) END))::json
$$;

-- Changes what of a client's wallet is frozen, and its limits. `changes` has what is to change: `frozen`, or `limits` with those of the
-- four that change. Returns the wallet as it is then; unchanged if it is closed; nothing if there is no such client's wallet. What
-- changes nothing adds no row to its history, so a repetition does no harm.
-- Locks the wallet's row as a drain does, and waits for one that has it: what is applied later is decided by these rules.
-- The API may change no wallet. This function runs with the owner's rights and changes these columns alone.
CREATE FUNCTION change_wallet(wanted uuid, changes jsonb, by_key uuid, why text) RETURNS SETOF wallets LANGUAGE plpgsql VOLATILE
    SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    w         wallets;
    was       jsonb;
    becomes   jsonb;
    asked     jsonb := coalesce(changes -> 'limits', '{}');
BEGIN
    SELECT * INTO w FROM wallets WHERE id = wanted AND kind = 'client' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF w.status = 'active' THEN
        was := standing_of(w.status, w.frozen, w.balance_max, w.debit_max, w.debits_per_day_max, w.debits_per_month_max, w.version);
        IF changes ? 'frozen' THEN
            w.frozen := changes ->> 'frozen';
        END IF;
        IF asked ? 'balance_max' THEN
            w.balance_max := asked ->> 'balance_max';
        END IF;
        IF asked ? 'debit_max' THEN
            w.debit_max := asked ->> 'debit_max';
        END IF;
        IF asked ? 'debits_per_day_max' THEN
            w.debits_per_day_max := asked ->> 'debits_per_day_max';
        END IF;
        IF asked ? 'debits_per_month_max' THEN
            w.debits_per_month_max := asked ->> 'debits_per_month_max';
        END IF;
        becomes := standing_of(w.status, w.frozen, w.balance_max, w.debit_max, w.debits_per_day_max, w.debits_per_month_max, w.version);
        IF becomes <> was THEN
            IF w.counted_since IS NULL
               AND coalesce(w.balance_max, w.debit_max, w.debits_per_day_max, w.debits_per_month_max) IS NOT NULL THEN
                w.counted_since := clock_timestamp();
                w.counted_day := utc_today();
                w.debits_today := 0;
                w.debits_this_month := 0;
            END IF;
            w.guard := CASE WHEN w.frozen IS NOT NULL OR w.counted_since IS NOT NULL THEN ARRAY[w.version, w.held] END;
            UPDATE wallets
               SET guard = w.guard, frozen = w.frozen, balance_max = w.balance_max, debit_max = w.debit_max,
                   debits_per_day_max = w.debits_per_day_max, debits_per_month_max = w.debits_per_month_max,
                   counted_since = w.counted_since, counted_day = w.counted_day, debits_today = w.debits_today,
                   debits_this_month = w.debits_this_month
             WHERE id = wanted;
            INSERT INTO wallet_changes (wallet_id, number, key_id, before, after, reason)
            SELECT wanted, coalesce(max(number), 0) + 1, by_key, was, becomes, why FROM wallet_changes WHERE wallet_id = wanted;
        END IF;
    END IF;
    RETURN NEXT w;
END
$$;

-- As in 0012_money_verbs.sql, with closures: a canceled one has moved 0.
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
                             OR coalesce(t.parent::text, t.fit, t.expires_at::text, t.apply_within_s::text) IS NOT NULL THEN 0 END,
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
                    WHERE w.id = ANY (ARRAY[asked.source, asked.destination]) AND e.status = 'enabled')
    UNION ALL
    SELECT 'operators', asked.moment
     WHERE EXISTS (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND status = 'enabled');
    RETURN FOUND;
END
$$;
