-- Returns an event: a final transfer with its position, only of one client if one is given; or a disabled endpoint of the owner.
-- Index: transfers_pkey, wallets_client_currency, entries_transfer, endpoint_events_id: OFFSET 0 leaves the planner no other plan.
SELECT coalesce(t.moment, n.moment) AS moment, coalesce(t.ordinal, 1) AS ordinal, wanted.id AS event_id, n.endpoint::json,
       n.created_at AS endpoint_event_at,
       {{transfer}}
  FROM (SELECT %(id)s::uuid AS id) wanted
  LEFT JOIN LATERAL (
        SELECT *
          FROM transfers t
         WHERE id = wanted.id
           AND status <> 'queued'
           AND (%(client_id)s::uuid IS NULL
                OR EXISTS (SELECT FROM wallets w WHERE w.client_id = %(client_id)s AND w.id = ANY({{parties}}) OFFSET 0))
        OFFSET 0
       ) t ON true
  LEFT JOIN LATERAL (
        SELECT moment, endpoint, created_at FROM endpoint_events WHERE id = wanted.id AND owner = %(owner)s AND t.id IS NULL OFFSET 0
       ) n ON true
 WHERE t.id IS NOT NULL OR n.moment IS NOT NULL
