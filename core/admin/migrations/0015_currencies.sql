-- Wallets in any currency of ISO 4217 that has a minor unit: one for each client and currency. All that exists stays in USD.
-- The unique index on wallets is built while reads go on and writes wait: some seconds for a million wallets.

-- No drain may run, and so no outcome be written, while the tables change.
LOCK TABLE shards IN EXCLUSIVE MODE;

-- The currencies that wallets may have. Each `migrate` adds those that its package lists (core/currencies.py), and none goes: what
-- ISO withdraws keeps its digits here. `number` is ISO's, and 0 for USD: it is part of the ids of external wallets.
CREATE TABLE currencies (
    code       text    PRIMARY KEY CONSTRAINT code_form CHECK (code ~ '^[A-Z]{3}$'),
    number     integer NOT NULL CONSTRAINT currencies_number UNIQUE CONSTRAINT number_within_limits CHECK (number BETWEEN 0 AND 999),
    minor_unit integer NOT NULL CONSTRAINT minor_unit_within_limits CHECK (minor_unit BETWEEN 0 AND 9)
);

-- NOT VALID: only new rows are checked, and no table is read. That a currency is known is not checked here: wallets and transfers are
-- written by the million, and the INSERT of a transfer joins its wallets. The audit names a wallet of an unknown currency.
ALTER TABLE wallets DROP CONSTRAINT known_currency;
ALTER TABLE wallets ADD CONSTRAINT currency_length CHECK (octet_length(currency) = 3) NOT VALID;
ALTER TABLE transfers DROP CONSTRAINT known_currency;
ALTER TABLE transfers ADD CONSTRAINT currency_length CHECK (octet_length(currency) = 3) NOT VALID;

-- One wallet for each client and currency, open or closed. It also finds the wallets of a client.
CREATE UNIQUE INDEX wallets_client_currency ON wallets (client_id, currency);
ALTER TABLE wallets ADD CONSTRAINT wallets_client_currency UNIQUE USING INDEX wallets_client_currency;
ALTER TABLE wallets DROP CONSTRAINT wallets_client_id_key;

-- The key of the request that made a wallet for a client that existed already. Wallets without one are not in the index.
ALTER TABLE wallets ADD COLUMN idempotency_key text, ADD COLUMN fingerprint bytea;
ALTER TABLE wallets
    ADD CONSTRAINT idempotency_key_length CHECK (char_length(idempotency_key) BETWEEN 1 AND 255) NOT VALID,
    ADD CONSTRAINT fingerprint_with_key CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL)) NOT VALID;
CREATE UNIQUE INDEX wallets_idempotency_key ON wallets (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Returns the id of the external wallet of a currency and a shard (core/ids.py).
CREATE FUNCTION external_wallet(number integer, shard integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(number << 10 | shard), 12, '0'))::uuid
$$;

-- Makes the external wallets of a currency, one a shard, before the first client's wallet of it is committed. Returns true.
-- The API may insert no external wallet, whose balance may be negative. This function runs with the owner's rights and inserts
-- these alone: their ids follow from the currency, so no caller chooses one. Concurrent calls wait for each other at the lowest
-- shard, and the second finds what the first has committed. All shards' wallets are made together, so one of them shows that all are
-- there. A currency that `migrate` has not stored is an unfinished deployment: the error is of class 42, and the request repeated.
CREATE FUNCTION make_external_wallets(wanted text) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wanted_number integer := (SELECT number FROM currencies WHERE code = wanted);
BEGIN
    IF wanted_number IS NULL THEN
        RAISE EXCEPTION 'the currency is not stored: run python -m core migrate' USING ERRCODE = 'undefined_object';
    END IF;
    IF NOT EXISTS (SELECT FROM wallets WHERE id = external_wallet(wanted_number, 0)) THEN
        INSERT INTO wallets (id, kind, currency)
        SELECT external_wallet(wanted_number, shard), 'external', wanted FROM shards ORDER BY shard
        ON CONFLICT (id) DO NOTHING;
    END IF;
    RETURN true;
END
$$;

-- As in 0009, and a wallet may have a key too. Reserves a key for a new client or wallet until the transaction ends. Returns false if
-- a transfer, a client or a wallet has the key. It looks for these two after it has waited: each statement of a VOLATILE function has
-- a new snapshot.
CREATE OR REPLACE FUNCTION take_client_key(wanted text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    placeholder uuid;
BEGIN
    INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint, shard)
    VALUES (mint_uuid(), 'transfer', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 1, 'USD', '{}',
            'operator', wanted, decode(repeat('00', 32), 'hex'), 0)
    ON CONFLICT (owner, idempotency_key) DO NOTHING
    RETURNING id INTO placeholder;
    IF placeholder IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM transfers WHERE id = placeholder;
    RETURN NOT EXISTS (SELECT FROM clients WHERE idempotency_key = wanted)
       AND NOT EXISTS (SELECT FROM wallets WHERE idempotency_key = wanted);
END
$$;

-- As in 0009, and a wallet may have a key too.
CREATE OR REPLACE FUNCTION are_keys_of_no_client(keys text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF EXISTS (SELECT FROM clients WHERE idempotency_key = ANY (keys))
       OR EXISTS (SELECT FROM wallets WHERE idempotency_key = ANY (keys)) THEN
        RAISE EXCEPTION 'a client or a wallet was made with a key of these transfers' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN true;
END
$$;

-- A client's endpoint receives the events of all its wallets, also of those that are made later: so it is found by the client.
-- `wallet_id` is one of these wallets. The trigger finds the client, so a process of the version before may still insert endpoints.
-- Endpoints are made seldom.
ALTER TABLE webhook_endpoints ADD COLUMN client_id uuid;
UPDATE webhook_endpoints e SET client_id = w.client_id FROM wallets w WHERE w.id = e.wallet_id;
CREATE INDEX webhook_endpoints_client ON webhook_endpoints (client_id) WHERE client_id IS NOT NULL;

CREATE FUNCTION find_client_of_endpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.client_id := (SELECT client_id FROM wallets WHERE id = NEW.wallet_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER endpoints_have_a_client BEFORE INSERT ON webhook_endpoints FOR EACH ROW EXECUTE FUNCTION find_client_of_endpoint();

-- As in 0012. The endpoints of the clients whose wallets take part are found by the client.
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
        OR EXISTS (SELECT FROM wallets w JOIN webhook_endpoints e ON e.client_id = w.client_id
                    WHERE w.id = ANY (ARRAY[asked.source, asked.destination]) AND e.status = 'enabled')
    UNION ALL
    SELECT 'operators', asked.moment
     WHERE EXISTS (SELECT FROM webhook_endpoints WHERE wallet_id IS NULL AND status = 'enabled');
    RETURN FOUND;
END
$$;
