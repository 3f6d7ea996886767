-- Its value has no meaning: core/sql/session/fence.sql writes it, so that a COMMIT has a record to wait for.
CREATE SEQUENCE fence;
