-- Running totals of wallets: what makes a statement of a long history cheap.

-- For some versions of a wallet, each a multiple of 64: the sum of the credits among its first `version` entries, in minor units, and
-- the latest time among them. Derived from entries, which never change, so a row never changes either. Workers add them after the
-- transaction that moved the money (core/sql/totals/insert.sql). Where rows are missing, nothing but speed is lost: the entries are
-- read instead. `credits` is numeric, because the sum of many amounts may pass the range of bigint.
-- `latest` never falls from one version to the next, also where the clock was set back. So the index finds the last row before a time.
CREATE TABLE running_totals (
    wallet_id uuid           NOT NULL,
    version   bigint         NOT NULL CONSTRAINT version_of_a_total
                             CHECK (version BETWEEN 64 AND 9007199254740991 AND version & 63 = 0),
    credits   numeric(38, 0) NOT NULL CONSTRAINT credits_in_limits CHECK (credits BETWEEN 0 AND 1e37),
    latest    timestamptz    NOT NULL CONSTRAINT times_have_four_digits
                             CHECK (latest BETWEEN '1970-01-01Z'::timestamptz AND '9999-01-01Z'::timestamptz),
    PRIMARY KEY (wallet_id, version)
);
CREATE INDEX running_totals_latest ON running_totals (wallet_id, latest, version);
