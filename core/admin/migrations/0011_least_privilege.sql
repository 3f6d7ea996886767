-- What only the owner of the tables may write. core/sql/admin/grant_rights.sql withholds columns. This migration gives these
-- columns their values, and limits the values of the columns that stay writable.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- The application's INSERTs leave these two columns out, so it needs no right to them. It can make no external wallet, whose
-- balance may be negative, and no event at another moment than that of its own transaction.
ALTER TABLE wallets ALTER COLUMN kind SET DEFAULT 'client';
ALTER TABLE events ALTER COLUMN moment SET DEFAULT feed_moment();

-- A moment is a transaction's id plus the feed's shift. Below 2^60 neither the next id nor the next shift exceeds the type bigint;
-- an event at 2^63-1 would make every later outcome fail. NOT VALID: core/sql/heal/delete_far_events.sql treats existing rows.
ALTER TABLE events ADD CONSTRAINT moment_within_reach CHECK (moment < 2305843009213693952) NOT VALID;
ALTER TABLE feed ADD CONSTRAINT shift_within_reach CHECK (shift BETWEEN -1152921504606846976 AND 1152921504606846976) NOT VALID;

-- Python cannot read a time after the year 9999: each list with such a row would be answered by an error.
ALTER TABLE transfers ADD CONSTRAINT finished_at_has_four_digits CHECK (finished_at < '9999-01-01Z'::timestamptz) NOT VALID;
ALTER TABLE deliveries ADD CONSTRAINT times_have_four_digits CHECK (
    next_attempt_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
    AND finished_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
) NOT VALID;
ALTER TABLE delivery_attempts ADD CONSTRAINT started_at_has_four_digits CHECK (
    started_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
) NOT VALID;
ALTER TABLE webhook_endpoints ADD CONSTRAINT times_have_four_digits CHECK (
    disabled_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
    AND failing_since BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
    AND old_secret_expires_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
) NOT VALID;
ALTER TABLE webhook_secrets ADD CONSTRAINT times_have_four_digits CHECK (
    created_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
    AND old_secret_expires_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz
) NOT VALID;

-- Each URL that core/webhooks/callback_url.py accepts passes. It has a host: to a URL without one nothing is sent
-- (core/sql/deliverer/fan_out_parties.sql). Only queued transfers are checked, which are those that the application inserts: one
-- that was stored before must still become final.
ALTER TABLE transfers ADD CONSTRAINT callback_url_form CHECK (
    status <> 'queued'
    OR callback_url ~ '^[Hh][Tt][Tt][Pp][Ss]?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]+)?(?:[/?][!-~]*)?$'
       AND char_length(split_part(split_part(callback_url, '/', 3), '?', 1)) <= 260
) NOT VALID;

-- Keys are inserted and changed seldom, so the cost of a trigger is not measurable. It also holds for the owner, except that only
-- the owner may insert an operator's key.
CREATE FUNCTION guard_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.role = 'operator'
           AND NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
            RAISE EXCEPTION 'an operator''s key is made by the owner of the tables alone' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.role, NEW.digest) <> (OLD.id, OLD.role, OLD.digest) OR NEW.client_id IS DISTINCT FROM OLD.client_id THEN
        RAISE EXCEPTION 'a key opens what it was made for' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
        RAISE EXCEPTION 'a revoked key stays revoked, since when it was' USING ERRCODE = 'restrict_violation';
    END IF;
    -- Only what changes: a time that was written before the clock was set back must not keep a key from being revoked.
    IF (NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
        AND NOT coalesce(NEW.revoked_at BETWEEN '1970-01-01Z' AND clock_timestamp() + interval '1 minute', true))
       OR (NEW.last_used_at IS DISTINCT FROM OLD.last_used_at
           AND NOT coalesce(NEW.last_used_at BETWEEN '1970-01-01Z' AND clock_timestamp() + interval '1 minute', true)) THEN
        RAISE EXCEPTION 'a key was neither used nor revoked in the future' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER keys_stay_what_they_are BEFORE INSERT OR UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION guard_keys();
