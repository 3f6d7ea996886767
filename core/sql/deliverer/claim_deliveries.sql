-- Claims the longest due deliveries of each of these receivers, up to so many of it and never more than 16, until `next_attempt_at`,
-- for the deliverer that asks: no other is given them before. Of a receiver the range from `since` on is read, where a look has found
-- its first one. With each comes all that is to be sent: the transfer with its entries, or the endpoint that was disabled; where to;
-- and what signs. Without a URL it is for nobody any more: its endpoint is deleted or disabled. Locks up to 16 rows of a receiver; what
-- another deliverer is just claiming is passed over. A limit that the plan does not know would have it read and sort all that is due.
-- Writes by the places of the rows that it has locked: by their ids, a plan made while the table was nearly empty reads all of it.
-- Leans on deliveries_due, and on transfers_pkey, entries_transfer, endpoint_events_id, webhook_endpoints_pkey and
-- webhook_secrets_pkey a row: the last is in the database's own collation, and a comparison in that of deliveries would read all
-- secrets instead.
WITH chosen AS MATERIALIZED (
    SELECT first.row
      FROM unnest(%(owners)s::text[], %(receivers)s::text[], %(since)s::timestamptz[], %(counts)s::bigint[])
           AS wanted (owner, receiver, since, count)
     CROSS JOIN LATERAL (
            SELECT due.row
              FROM (
                    SELECT d.ctid AS row, d.next_attempt_at
                      FROM deliveries d
                     WHERE d.status = 'pending'
                       AND d.owner = wanted.owner
                       AND d.receiver = wanted.receiver
                       AND d.next_attempt_at >= wanted.since
                       AND d.next_attempt_at <= now()
                     ORDER BY d.next_attempt_at
                     LIMIT 16
                       FOR UPDATE SKIP LOCKED
                   ) due
             ORDER BY due.next_attempt_at
             LIMIT wanted.count
           ) first
), claimed AS (
    UPDATE deliveries d
       SET next_attempt_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
     WHERE d.ctid = ANY(ARRAY(SELECT row FROM chosen))
    RETURNING d.id, d.owner, d.receiver, d.transfer_id, d.endpoint_id, d.failures, d.next_attempt_at
)
SELECT c.id AS delivery_id, c.owner AS receiver_owner, c.receiver, c.endpoint_id, c.failures, c.next_attempt_at AS claimed_until,
       CASE WHEN c.endpoint_id IS NULL THEN t.callback_url WHEN e.status = 'enabled' THEN e.url END AS url,
       CASE WHEN c.endpoint_id IS NOT NULL THEN e.wallet_id WHEN c.owner <> 'operator' THEN t.source END AS wallet_id,
       coalesce(e.secret, s.secret) AS secret,
       CASE WHEN coalesce(e.old_secret_expires_at, s.old_secret_expires_at) > now() THEN coalesce(e.old_secret, s.old_secret) END
           AS old_secret,
       coalesce(t.moment, n.moment) AS moment, coalesce(t.ordinal, 1) AS ordinal, c.transfer_id AS event_id, n.endpoint::json,
       n.created_at AS endpoint_event_at,
       {{transfer}}
  FROM claimed c
  LEFT JOIN LATERAL (SELECT * FROM transfers WHERE id = c.transfer_id OFFSET 0) t ON true
  LEFT JOIN LATERAL (SELECT moment, endpoint, created_at FROM endpoint_events WHERE id = c.transfer_id AND t.id IS NULL OFFSET 0) n ON true
  LEFT JOIN LATERAL (SELECT * FROM webhook_endpoints WHERE id = c.endpoint_id OFFSET 0) e ON true
  LEFT JOIN LATERAL (
        SELECT * FROM webhook_secrets WHERE c.endpoint_id IS NULL AND owner = c.owner COLLATE "default" OFFSET 0
       ) s ON true
 WHERE t.id IS NOT NULL OR n.moment IS NOT NULL
