-- Holds no number that means anything: core/sql/session/fence.sql writes it, so that a COMMIT has something to wait for.
CREATE SEQUENCE fence;
