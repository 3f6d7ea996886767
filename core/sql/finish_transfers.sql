-- Writes verdicts. The guard on `status` makes a final state final: the number of rows must be asserted. HOT.
-- A clock that was set back meanwhile does not date a verdict before its acceptance: finished_not_before_created would stop the shard.
UPDATE transfers t
   SET status = CASE WHEN verdict.failure_code IS NULL THEN 'applied' ELSE 'rejected' END,
       failure_code = verdict.failure_code,
       finished_at = greatest(clock_timestamp(), t.created_at)
  FROM unnest(%(ids)b::uuid[], %(failure_codes)b::text[]) AS verdict (id, failure_code)
 WHERE t.id = verdict.id AND t.status = 'queued'
