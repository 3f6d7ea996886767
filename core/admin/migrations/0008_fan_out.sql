-- The deliverer makes deliveries after the outcome, in steps of a bounded size: callers decide how many there are, and the
-- transaction that moves money must not grow with their number. Also: the bounds of searches for due deliveries, the retention of
-- ended ones, and the event of a disabled endpoint.

-- The next moment, which no transaction has had. An endpoint that is stored now receives the events from it on.
CREATE FUNCTION feed_next() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT shift + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM feed
$$;

-- The transaction that writes outcomes inserts a row per audience that may have receivers: the parties (callback URLs, and
-- endpoints of the clients whose wallets take part) and the operators' endpoints. `endpoints` is the audience of a disabled
-- endpoint's event. A step of the deliverer makes some deliveries, stores its progress, and deletes the row when all are made.
CREATE TABLE fan_outs (
    audience       text    COLLATE "C" NOT NULL,
    moment         bigint  NOT NULL,
    after_ordinal  integer NOT NULL DEFAULT 0 CONSTRAINT after_ordinal_not_negative CHECK (after_ordinal >= 0),
    after_endpoint uuid,
    PRIMARY KEY (audience, moment),
    CONSTRAINT known_audience CHECK (audience IN ('parties', 'operators', 'endpoints'))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Receivers with deliveries that are pending, or were lately. No pending delivery of a receiver is due before `due_from`, except
-- those that a transaction of more than half a minute committed. `used_at` is updated at most every ten minutes.
CREATE TABLE receivers (
    owner    text        COLLATE "C" NOT NULL CONSTRAINT owner_length CHECK (char_length(owner) BETWEEN 1 AND 30),
    receiver text        COLLATE "C" NOT NULL CONSTRAINT receiver_length CHECK (char_length(receiver) BETWEEN 1 AND 260),
    due_from timestamptz NOT NULL DEFAULT now() - interval '30 seconds',
    used_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, receiver)
) WITH (fillfactor = 50);
CREATE INDEX receivers_used ON receivers (used_at);
INSERT INTO receivers (owner, receiver, due_from) SELECT DISTINCT owner, receiver, timestamptz '-infinity' FROM deliveries WHERE status = 'pending';

-- Bounds below which no row is left, by name: moments of fan-outs by audience; the end of ended deliveries in microseconds since
-- 1970.
CREATE TABLE delivery_bounds (
    name  text   PRIMARY KEY,
    value bigint NOT NULL,
    CONSTRAINT known_name CHECK (name IN ('parties', 'operators', 'endpoints', 'ended'))
);
INSERT INTO delivery_bounds (name, value)
SELECT name, -9223372036854775808 FROM unnest(ARRAY['parties', 'operators', 'endpoints', 'ended']) name;

-- The longest ended first, for retention.
CREATE INDEX deliveries_ended ON deliveries (finished_at) WHERE finished_at IS NOT NULL;

-- An endpoint receives the events of outcomes that were written after it was made: at this moment or later.
ALTER TABLE webhook_endpoints ADD COLUMN since bigint NOT NULL DEFAULT -9223372036854775808;
ALTER TABLE webhook_endpoints ALTER COLUMN since SET DEFAULT feed_next();
CREATE INDEX webhook_endpoints_operators ON webhook_endpoints (id) WHERE wallet_id IS NULL;

-- Endpoints that receive all events receive the new one too.
ALTER TABLE webhook_endpoints DROP CONSTRAINT known_events;
UPDATE webhook_endpoints
   SET events = ARRAY['transfer.applied', 'transfer.rejected', 'webhook_endpoint.disabled']
 WHERE events @> ARRAY['transfer.applied', 'transfer.rejected'];
ALTER TABLE webhook_endpoints ADD CONSTRAINT known_events CHECK (
    events <@ ARRAY['transfer.applied', 'transfer.rejected', 'webhook_endpoint.disabled'] AND cardinality(events) BETWEEN 1 AND 3
);

-- The deliverer disabled an endpoint. The row is an event of its owner's feed, at the position (moment, 1). It has the endpoint as
-- it was then, without its secrets. The moment is a default, so that no INSERT chooses it.
CREATE TABLE endpoint_events (
    moment      bigint      PRIMARY KEY DEFAULT feed_moment(),
    id          uuid        NOT NULL DEFAULT mint_uuid() CONSTRAINT endpoint_events_id UNIQUE,
    owner       text        COLLATE "C" NOT NULL CONSTRAINT owner_length CHECK (char_length(owner) BETWEEN 1 AND 30),
    endpoint_id uuid        NOT NULL,
    endpoint    jsonb       NOT NULL CONSTRAINT endpoint_is_object CHECK (jsonb_typeof(endpoint) = 'object'),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX endpoint_events_owner ON endpoint_events (owner, moment);
