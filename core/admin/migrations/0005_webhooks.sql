-- Webhooks: endpoints, secrets, deliveries and attempts.

-- The URL that receives the event of this transfer only, beside all endpoints.
ALTER TABLE transfers ADD COLUMN callback_url text CONSTRAINT callback_url_length CHECK (char_length(callback_url) BETWEEN 1 AND 2048);

-- Returns a new UUIDv7 (RFC 9562, section 5.7), for rows that a statement makes. PostgreSQL has such a function from version 18 on.
CREATE FUNCTION mint_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(random PLACING substring(milliseconds FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
      FROM (
            SELECT uuid_send(gen_random_uuid()) AS random,
                   int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS milliseconds
           ) made
$$;

-- An endpoint receives events of all transfers, or of those of its owner's wallet. Its secret signs, so it is stored in plain text,
-- in the form of Standard Webhooks. The old secret signs too until it expires. `failing_since` is the time of the first failed
-- attempt after the last success: an endpoint that has failed for long is disabled.
CREATE TABLE webhook_endpoints (
    id                    uuid        PRIMARY KEY,
    owner                 text        NOT NULL CONSTRAINT owner_length CHECK (char_length(owner) BETWEEN 1 AND 30),
    wallet_id             uuid,
    url                   text        NOT NULL CONSTRAINT url_length CHECK (char_length(url) BETWEEN 1 AND 2048),
    events                text[]      NOT NULL,
    description           text        CONSTRAINT description_length CHECK (char_length(description) <= 200),
    status                text        NOT NULL DEFAULT 'enabled' CONSTRAINT known_status CHECK (status IN ('enabled', 'disabled')),
    disabled_reason       text        CONSTRAINT known_disabled_reason CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
    disabled_at           timestamptz,
    failing_since         timestamptz,
    secret                text        NOT NULL CONSTRAINT secret_form CHECK (secret ~ '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$'),
    old_secret            text        CONSTRAINT old_secret_form CHECK (old_secret ~ '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$'),
    old_secret_expires_at timestamptz,
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT known_events CHECK (events <@ ARRAY['transfer.applied', 'transfer.rejected'] AND cardinality(events) BETWEEN 1 AND 2),
    CONSTRAINT wallet_iff_client CHECK ((owner = 'operator') = (wallet_id IS NULL)),
    CONSTRAINT disabled_for_a_reason CHECK (
        (status = 'disabled') = (disabled_reason IS NOT NULL) AND (status = 'disabled') = (disabled_at IS NOT NULL)
    ),
    CONSTRAINT old_secret_expires CHECK ((old_secret IS NULL) = (old_secret_expires_at IS NULL))
);

CREATE INDEX webhook_endpoints_owner ON webhook_endpoints (owner, id);
CREATE INDEX webhook_endpoints_wallet ON webhook_endpoints (wallet_id);

-- The secret that signs webhooks to callback URLs, one per owner. It is stored before the owner's first transfer with a callback
-- URL.
CREATE TABLE webhook_secrets (
    owner                 text        PRIMARY KEY CONSTRAINT owner_length CHECK (char_length(owner) BETWEEN 1 AND 30),
    secret                text        NOT NULL CONSTRAINT secret_form CHECK (secret ~ '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$'),
    old_secret            text        CONSTRAINT old_secret_form CHECK (old_secret ~ '^whsec_[A-Za-z0-9+/]{32,86}={0,2}$'),
    old_secret_expires_at timestamptz,
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT old_secret_expires CHECK ((old_secret IS NULL) = (old_secret_expires_at IS NULL))
);

-- An event for an endpoint or, if `endpoint_id` is NULL, for the transfer's callback URL. Only for committed outcomes. `receiver`
-- is the endpoint's id, or the host of the callback URL. `attempts` counts all attempts; `failures` counts those since the delivery
-- was made or redelivered, and is its place in the schedule. A deliverer that claims it sets `next_attempt_at` to the end of its
-- claim.
CREATE TABLE deliveries (
    id              uuid        PRIMARY KEY DEFAULT mint_uuid(),
    owner           text        COLLATE "C" NOT NULL CONSTRAINT owner_length CHECK (char_length(owner) BETWEEN 1 AND 30),
    receiver        text        COLLATE "C" NOT NULL CONSTRAINT receiver_length CHECK (char_length(receiver) BETWEEN 1 AND 260),
    transfer_id     uuid        NOT NULL,
    endpoint_id     uuid,
    shard           integer     NOT NULL CONSTRAINT shard_not_negative CHECK (shard >= 0),
    status          text        NOT NULL DEFAULT 'pending',
    attempts        integer     NOT NULL DEFAULT 0 CONSTRAINT attempts_not_negative CHECK (attempts >= 0),
    failures        integer     NOT NULL DEFAULT 0 CONSTRAINT failures_not_negative CHECK (failures >= 0),
    next_attempt_at timestamptz DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at     timestamptz,
    CONSTRAINT known_status CHECK (status IN ('pending', 'delivered', 'failed', 'canceled')),
    CONSTRAINT deliveries_target UNIQUE NULLS NOT DISTINCT (transfer_id, endpoint_id),
    CONSTRAINT endpoint_is_receiver CHECK (endpoint_id IS NULL OR receiver = endpoint_id::text),
    CONSTRAINT pending_has_next CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT finished_iff_not_pending CHECK ((status = 'pending') = (finished_at IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- Each receiver has its own range, with its longest due delivery first. A claim reads one entry per receiver, however many follow:
-- a million deliveries of a dead receiver cost as much as one.
CREATE INDEX deliveries_due ON deliveries (owner, receiver, next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, status, id) WHERE endpoint_id IS NOT NULL;

-- Each attempt of a delivery: the status code of the answer, or the reason why there was none.
CREATE TABLE delivery_attempts (
    delivery_id uuid        NOT NULL,
    number      integer     NOT NULL CONSTRAINT number_positive CHECK (number >= 1),
    started_at  timestamptz NOT NULL,
    duration_ms integer     NOT NULL CONSTRAINT duration_not_negative CHECK (duration_ms >= 0),
    status_code integer     CONSTRAINT status_code_is_http CHECK (status_code BETWEEN 100 AND 999),
    error       text        CONSTRAINT error_length CHECK (char_length(error) BETWEEN 1 AND 200),
    PRIMARY KEY (delivery_id, number),
    CONSTRAINT answered_or_failed CHECK ((status_code IS NULL) <> (error IS NULL))
);
