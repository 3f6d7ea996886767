-- What a step of fan-outs returns, as worker.webhooks.fan_outs.Step reads it: how many are in `claimed` and in `finished`, and the
-- receivers in `due_receivers`.
SELECT (SELECT count(*) FROM claimed) AS claimed, (SELECT count(*) FROM finished) AS done,
       coalesce((SELECT array_agg(owner) FROM due_receivers), '{}') AS owners,
       coalesce((SELECT array_agg(receiver) FROM due_receivers), '{}') AS receivers
