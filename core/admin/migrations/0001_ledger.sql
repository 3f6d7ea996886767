-- The ledger, its queue and the API keys. Amounts and balances are in minor units; times are of the database's clock.

CREATE TABLE clients (
    id              uuid        PRIMARY KEY,
    name            text        NOT NULL CONSTRAINT name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    external_id     text        UNIQUE CONSTRAINT external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 100),
    metadata        jsonb       NOT NULL CONSTRAINT metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    idempotency_key text        UNIQUE CONSTRAINT idempotency_key_length CHECK (char_length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint     bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fingerprint_with_key CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
);

-- Pages are filled by half, so that the UPDATE of a balance stays on its page and touches no index (HOT).
-- For that, no column that changes (balance, version) may ever be indexed.
CREATE TABLE wallets (
    id         uuid        PRIMARY KEY,
    client_id  uuid        UNIQUE,
    kind       text        NOT NULL CONSTRAINT known_kind CHECK (kind IN ('client', 'external')),
    currency   text        NOT NULL CONSTRAINT known_currency CHECK (currency = 'USD'),
    balance    bigint      NOT NULL DEFAULT 0,
    version    bigint      NOT NULL DEFAULT 0 CONSTRAINT version_not_negative CHECK (version >= 0),
    status     text        NOT NULL DEFAULT 'active' CONSTRAINT known_status CHECK (status = 'active'),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT owned_by_client CHECK ((kind = 'client') = (client_id IS NOT NULL)),
    CONSTRAINT balance_not_negative CHECK (balance >= 0 OR kind = 'external'),
    CONSTRAINT balance_within_limit CHECK (balance <= 9007199254740991),
    CONSTRAINT moved_only_by_entries CHECK (version > 0 OR balance = 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- The row is also the idempotency record and lives as long as the transfer. `status` is in no index: the final UPDATE stays HOT. No
-- foreign keys to wallets: each would lock a wallet per inserted row. The INSERT joins the wallets, and wallets are never deleted.
CREATE TABLE transfers (
    id              uuid        PRIMARY KEY,
    type            text        NOT NULL CONSTRAINT known_type CHECK (type IN ('deposit', 'transfer')),
    status          text        NOT NULL DEFAULT 'queued' CONSTRAINT known_status CHECK (status IN ('queued', 'applied', 'rejected')),
    failure_code    text        CONSTRAINT known_failure_code
                                CHECK (failure_code IN ('insufficient_funds', 'balance_limit_exceeded', 'internal')),
    source          uuid        NOT NULL,
    destination     uuid        NOT NULL,
    amount          bigint      NOT NULL CONSTRAINT amount_within_limits CHECK (amount BETWEEN 1 AND 9007199254740991),
    currency        text        NOT NULL CONSTRAINT known_currency CHECK (currency = 'USD'),
    reference       text        CONSTRAINT reference_length CHECK (char_length(reference) <= 200),
    metadata        jsonb       NOT NULL CONSTRAINT metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    owner           text        NOT NULL CONSTRAINT owner_length CHECK (char_length(owner) BETWEEN 1 AND 30),
    idempotency_key text        NOT NULL CONSTRAINT idempotency_key_length CHECK (char_length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint     bytea       NOT NULL CONSTRAINT fingerprint_is_sha256 CHECK (octet_length(fingerprint) = 32),
    shard           integer     NOT NULL CONSTRAINT shard_not_negative CHECK (shard >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    CONSTRAINT transfers_owner_key UNIQUE (owner, idempotency_key),
    CONSTRAINT two_wallets CHECK (source <> destination),
    CONSTRAINT finished_at_iff_final CHECK ((status = 'queued') = (finished_at IS NULL)),
    CONSTRAINT finished_not_before_created CHECK (finished_at >= created_at),
    CONSTRAINT failure_iff_rejected CHECK ((status = 'rejected') = (failure_code IS NOT NULL))
) WITH (fillfactor = 80);

CREATE INDEX transfers_source ON transfers (source, id);
CREATE INDEX transfers_destination ON transfers (destination, id);

-- Transfers without an outcome, per shard in the order of acceptance. A row is inserted with the transfer and deleted with its
-- outcome.
CREATE TABLE queue (
    shard       integer NOT NULL,
    position    bigint  GENERATED ALWAYS AS IDENTITY,
    transfer_id uuid    NOT NULL,
    PRIMARY KEY (shard, position)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- Every change of every wallet, for ever: versions 1..n without a gap, each balance_after the one before plus the amount.
CREATE TABLE entries (
    wallet_id     uuid        NOT NULL,
    version       bigint      NOT NULL CONSTRAINT version_positive CHECK (version >= 1),
    transfer_id   uuid        NOT NULL,
    amount        bigint      NOT NULL CONSTRAINT amount_not_zero CHECK (amount <> 0),
    balance_after bigint      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (wallet_id, version),
    CONSTRAINT entries_transfer UNIQUE (transfer_id, wallet_id)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of entries is forbidden: the ledger is only ever added to', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER entries_are_final BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_are_kept BEFORE TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One row per shard, which is also its lock. The first `migrate` inserts them; their number never changes.
CREATE TABLE shards (
    shard integer PRIMARY KEY CONSTRAINT shard_not_negative CHECK (shard >= 0)
);

-- API keys. Only the SHA-256 of a key is stored.
CREATE TABLE keys (
    id           uuid        PRIMARY KEY,
    role         text        NOT NULL CONSTRAINT known_role CHECK (role IN ('operator', 'client')),
    client_id    uuid,
    digest       bytea       NOT NULL UNIQUE CONSTRAINT digest_is_sha256 CHECK (octet_length(digest) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT bound_to_client CHECK ((role = 'client') = (client_id IS NOT NULL))
);
