-- Lets the sweeper release an expired hold again in an hour, when the release with this id was given up on: else what is left of the
-- hold would stay reserved for ever. Changes nothing for any other transfer.
-- Runs under the shard's lock. Locks: the hold's row of `due`. Index: transfers_pkey, due_pkey. It updates by ctid, for the reason given
-- in drain/delete_queue; the hold's row is changed by no other session while its release is queued.
UPDATE due
   SET due_at = now() + interval '1 hour'
 WHERE ctid = ANY (ARRAY(
        SELECT hold.ctid
          FROM (SELECT parent FROM transfers WHERE id = %(transfer_id)s AND starts_with(idempotency_key, 'expiry ') OFFSET 0) release
         CROSS JOIN LATERAL (SELECT ctid FROM due WHERE transfer_id = release.parent AND verb = 'release' OFFSET 0) hold))
