-- Returns the applied migrations, and from which version on processes may go on beside each. It reads the column by the name of a
-- JSON member, because earlier versions made the table without it.
SELECT name, to_jsonb(migrations) ->> 'serves_from' AS serves_from FROM migrations
