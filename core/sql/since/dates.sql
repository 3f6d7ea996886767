-- Nothing that came later is dated into the time before the checkpoint's last event. %(since)s is a minute earlier: a transaction that
-- was open then may have finished its transfers some seconds before it, and clocks are set back a little.
-- Index: events_pkey; per event transfers_pkey and entries_transfer.
SELECT 'transfer' AS kind, one.transfer_id AS id,
       'came after the checkpoint and is dated ' || least(t.finished_at, e.created_at) || ', before it' AS detail
  FROM (SELECT transfer_ids FROM events WHERE moment >= %(before)s OFFSET 0) v
 CROSS JOIN LATERAL unnest(v.transfer_ids) AS one (transfer_id)
  LEFT JOIN LATERAL (SELECT finished_at FROM transfers WHERE id = one.transfer_id OFFSET 0) t ON true
 CROSS JOIN LATERAL (
        SELECT min(created_at) AS created_at FROM (SELECT created_at FROM entries WHERE transfer_id = one.transfer_id OFFSET 0) stored
       ) e
 WHERE least(t.finished_at, e.created_at) < %(since)s::timestamptz
