-- The release of an expired hold that was given up on is repeated.

-- Stores the releases of all that is left of holds that have expired; leaves out a hold that is not open, has not expired, or has that
-- release already. Returns each release with its shard and with the time since when it is due. The workers may insert no transfer. This
-- function runs with the owner's rights and inserts these alone. Their keys have a space, which no caller's key has; with the owner
-- such a key is unique, so a hold expires once. All of a sweep are stored by one call, because a call costs as much as four rows.
-- A release that was given up on is final. The next one has the number of those before it in its key, so it is stored once too.
-- Index: transfers_pkey per hold, and transfers_parent for its children.
CREATE OR REPLACE FUNCTION release_expired(holds uuid[]) RETURNS TABLE (shard integer, due_at timestamptz, transfer_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH expired AS MATERIALIZED (
        SELECT t.*, 'expiry ' || typeid('trf', t.id) || CASE given_up.count WHEN 0 THEN '' ELSE ' ' || given_up.count END AS key
          FROM unnest(holds) AS wanted (id)
         CROSS JOIN LATERAL (
                SELECT id, source, destination, amount, currency, owner, shard
                  FROM transfers
                 WHERE id = wanted.id
                   AND type = 'hold'
                   AND status = 'applied'
                   AND expires_at < now()
                   AND amount > coalesce(captured, 0) + coalesce(returned, 0)
                OFFSET 0
               ) t
         CROSS JOIN LATERAL (
                SELECT count(*) AS count
                  FROM transfers
                 WHERE parent = t.id AND failure_code = 'internal' AND starts_with(idempotency_key, 'expiry ')
               ) given_up
    ), released AS (
        INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint, shard,
                               parent, fit)
        SELECT mint_uuid(), 'release', e.source, e.destination, e.amount, e.currency, '{}', e.owner, e.key,
               sha256(convert_to(e.key, 'UTF8')), e.shard, e.id, 'rest'
          FROM expired e
        ON CONFLICT DO NOTHING
        RETURNING id, shard, parent
    )
    SELECT r.shard, hold.expires_at + interval '1 second', r.id
      FROM released r
     CROSS JOIN LATERAL (SELECT expires_at FROM transfers WHERE id = r.parent OFFSET 0) hold
$$;
