-- Viewers' keys, names of keys, changes of clients with their history, and the results of audits.

-- NOT VALID: only new rows are checked. The rows that exist satisfy the narrower constraint.
ALTER TABLE keys
    ADD COLUMN name text,
    DROP CONSTRAINT known_role;
ALTER TABLE keys
    ADD CONSTRAINT known_role CHECK (role IN ('operator', 'viewer', 'client')) NOT VALID,
    ADD CONSTRAINT name_length CHECK (char_length(name) BETWEEN 1 AND 100) NOT VALID;

-- Each change of a client, for ever: numbered 1..n, each `before` the `after` of the one before. `key_id` is the API key that asked
-- for it; NULL for the key of the settings.
CREATE TABLE client_changes (
    client_id  uuid        NOT NULL,
    number     integer     NOT NULL CONSTRAINT number_positive CHECK (number >= 1),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    key_id     uuid,
    before     jsonb       NOT NULL,
    after      jsonb       NOT NULL,
    reason     text        NOT NULL CONSTRAINT reason_length CHECK (char_length(reason) BETWEEN 1 AND 200),
    PRIMARY KEY (client_id, number),
    CONSTRAINT something_changed CHECK (before <> after)
);

-- As in 0016_wallet_rules.sql, for any table.
CREATE OR REPLACE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is forbidden: the history is only ever added to', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER changes_are_final BEFORE UPDATE OR DELETE ON client_changes FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER changes_are_kept BEFORE TRUNCATE ON client_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

-- Returns what of a client can change, as its history has it.
CREATE FUNCTION client_as_told(name text, external_id text, metadata jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('name', name, 'external_id', external_id, 'metadata', metadata)
$$;

-- Changes a client. `changes` has what is to change of name, external_id and metadata. Returns the client as it is then; nothing if
-- there is no such client. What changes nothing adds no row to its history, so a repetition does no harm. An external id that another
-- client has is a unique_violation, and nothing is changed.
-- Locks the client's row: of two changes at once the second begins with what the first has left.
-- The API may change no client. This function runs with the owner's rights and changes these columns alone.
CREATE FUNCTION change_client(wanted uuid, changes jsonb, by_key uuid, why text) RETURNS SETOF clients LANGUAGE plpgsql VOLATILE
    SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    c       clients;
    was     jsonb;
    becomes jsonb;
BEGIN
    SELECT * INTO c FROM clients WHERE id = wanted FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    was := client_as_told(c.name, c.external_id, c.metadata);
    IF changes ? 'name' THEN
        c.name := changes ->> 'name';
    END IF;
    IF changes ? 'external_id' THEN
        c.external_id := changes ->> 'external_id';
    END IF;
    IF changes ? 'metadata' THEN
        c.metadata := changes -> 'metadata';
    END IF;
    becomes := client_as_told(c.name, c.external_id, c.metadata);
    IF becomes <> was THEN
        UPDATE clients SET name = c.name, external_id = c.external_id, metadata = c.metadata WHERE id = wanted;
        INSERT INTO client_changes (client_id, number, key_id, before, after, reason)
        SELECT wanted, coalesce(max(number), 0) + 1, by_key, was, becomes, why FROM client_changes WHERE client_id = wanted;
    END IF;
    RETURN NEXT c;
END
$$;

-- The last audits of the whole ledger: `broken` has the number of violations of each check that found some. No money depends on it.
CREATE TABLE audits (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    began_at    timestamptz NOT NULL CONSTRAINT times_have_four_digits
                            CHECK (began_at BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz),
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    broken      jsonb       NOT NULL CONSTRAINT broken_has_counts CHECK (
                                jsonb_typeof(broken) = 'object' AND NOT jsonb_path_exists(broken, '$.* ? (@.type() != "number")')
                            ),
    transfers   bigint      NOT NULL CONSTRAINT transfers_in_limits CHECK (transfers >= 0 AND transfers <= 9007199254740991),
    entries     bigint      NOT NULL CONSTRAINT entries_in_limits CHECK (entries >= 0 AND entries <= 9007199254740991),
    wallets     bigint      NOT NULL CONSTRAINT wallets_in_limits CHECK (wallets >= 0 AND wallets <= 9007199254740991)
);

-- Returns the sessions of this database that Teller's processes have, by the names that they give themselves
-- (core/postgres/startup.py). A role is shown the state and the times of its own sessions alone. This function runs with the owner's
-- rights, and so shows those of the roles that the owner may see. It shows no statement and no address.
CREATE FUNCTION sessions_of_teller() RETURNS TABLE (
    pid integer, application text, since timestamptz, in_transaction_since timestamptz, state text, changed_at timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pid, application_name, backend_start, xact_start, state, state_change
      FROM pg_stat_activity
     WHERE datname = current_database() AND starts_with(application_name, 'teller ')
$$;
