-- Makes the transaction one snapshot that writes nothing: it is the first statement after BEGIN.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
