-- Each entry that came later follows the entry before it in its wallet, and the entry after it follows this one: versions go on
-- without a gap, and each balance is the one before plus the amount.
-- Index: events_pkey; per event entries_transfer, per entry entries_pkey twice.
SELECT 'wallet' AS kind, e.wallet_id AS id,
       'version ' || e.version || ' has the amount ' || e.amount || ' and the balance ' || e.balance_after || '; before it: '
       || coalesce('balance ' || earlier.balance_after, 'none') || coalesce('; after it: ' || later.amount || ', balance ' || later.balance_after, '')
       AS detail
  FROM (SELECT transfer_ids FROM events WHERE moment >= %(before)s OFFSET 0) v
 CROSS JOIN LATERAL unnest(v.transfer_ids) AS one (transfer_id)
 CROSS JOIN LATERAL (
        SELECT wallet_id, version, amount, balance_after FROM entries WHERE transfer_id = one.transfer_id OFFSET 0
       ) e
  LEFT JOIN LATERAL (
        SELECT balance_after FROM entries WHERE wallet_id = e.wallet_id AND version = e.version - 1 OFFSET 0
       ) earlier ON true
  LEFT JOIN LATERAL (
        SELECT amount, balance_after FROM entries WHERE wallet_id = e.wallet_id AND version = e.version + 1 OFFSET 0
       ) later ON true
 WHERE CASE e.version WHEN 1 THEN e.balance_after <> e.amount
                      ELSE (earlier.balance_after + e.amount = e.balance_after) IS NOT TRUE END
    OR e.balance_after + later.amount <> later.balance_after
