-- Notes of each transfer that counts against the limits of a wallet that it debits, and does not say so, that it counts in the day on which it ended.
-- Reads all transfers, by hash join. Its transaction has locked the table of shards, so no drain runs.
UPDATE transfers t
   SET counted_on = (t.finished_at AT TIME ZONE 'UTC')::date
  FROM wallets w
 WHERE (w.id = t.source OR (t.amounts[array_position(t.wallet_ids, w.id)] < 0))
   AND t.status = 'applied'
   AND t.type IN ('transfer', 'withdrawal', 'hold')
   AND t.finished_at >= w.counted_since
   AND t.counted_on IS NULL
