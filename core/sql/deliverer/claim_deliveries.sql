-- Claims the longest due deliveries of these receivers for one deliverer, until `next_attempt_at`.
-- Per receiver it claims up to its count, and at most 16: with a limit that the planner does not know, it would sort all due rows.
-- `since` is where the range of a receiver starts: an earlier look has found its first due delivery there.
-- Returns all that is needed to send: the transfer with its entries or the disabled endpoint, the URL, and the secrets.
-- The URL is NULL if the endpoint is deleted or disabled. The wallet of a client's endpoint is its one of the transfer's currency.
-- The wallet of a callback URL is that of the client that submitted the
-- transfer: a capture or a release is the payee's, anything else is of the client whose wallet is debited.
-- Locks: up to 16 rows per receiver. Rows that another deliverer has locked are skipped.
-- Updates by ctid: by id, a plan made on a nearly empty table would read the whole table.
-- Index: deliveries_due; per row transfers_pkey, entries_transfer, endpoint_events_id, webhook_endpoints_pkey,
-- wallets_client_currency, webhook_secrets_pkey.
-- The last has the database's own collation. A comparison in the collation of deliveries would read all secrets.
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
       CASE WHEN c.endpoint_id IS NOT NULL THEN own.id
            WHEN c.owner <> 'operator' AND t.type IN ('capture', 'release') THEN t.destination
            WHEN c.owner <> 'operator' THEN t.source END AS wallet_id,
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
  LEFT JOIN LATERAL (SELECT id FROM wallets WHERE client_id = e.client_id AND currency = t.currency OFFSET 0) own ON true
  LEFT JOIN LATERAL (
        SELECT * FROM webhook_secrets WHERE c.endpoint_id IS NULL AND owner = c.owner COLLATE "default" OFFSET 0
       ) s ON true
 WHERE t.id IS NOT NULL OR n.moment IS NOT NULL
