-- Creates the table of applied migrations, unless it exists. Runs under the migration lock.
CREATE TABLE IF NOT EXISTS migrations (
    name       text        PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
