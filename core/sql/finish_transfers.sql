-- Writes verdicts, and the events of the transfers that become final by them, in this order, at the moment of this transaction: to
-- be run once in a transaction. The guard on `status` makes a final state final: the number of rows must be asserted. HOT. A clock
-- that was set back meanwhile does not date a verdict before its acceptance: finished_not_before_created would stop the shard. The
-- inner SELECT asks for the moment once, not once a row. Leans on transfers_pkey.
WITH finished AS (
    UPDATE transfers t
       SET status = CASE WHEN verdict.failure_code IS NULL THEN 'applied' ELSE 'rejected' END,
           failure_code = verdict.failure_code,
           finished_at = greatest(clock_timestamp(), t.created_at),
           moment = (SELECT feed_moment()),
           ordinal = verdict.ordinal
      FROM unnest(%(ids)b::uuid[], %(failure_codes)b::text[]) WITH ORDINALITY AS verdict (id, failure_code, ordinal)
     WHERE t.id = verdict.id AND t.status = 'queued'
    RETURNING t.id, t.moment, t.ordinal
), told AS (
    INSERT INTO events (moment, transfer_ids)
    SELECT moment, array_agg(id ORDER BY ordinal) FROM finished GROUP BY moment
)
SELECT FROM finished
