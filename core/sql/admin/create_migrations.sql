-- What has been applied to this database. Under the migration lock.
CREATE TABLE IF NOT EXISTS migrations (
    name       text        PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
