-- Notes of each transfer that counts against the limits of a wallet that it debits, and does not say so, that it counts in the day on
-- which it ended.
-- Reads all transfers, by hash join: each debit is a row of its own, because a wallet that is looked for among the lines of a transfer
-- would be compared with all transfers. Its transaction has locked the table of shards, so no drain runs.
UPDATE transfers t
   SET counted_on = (t.finished_at AT TIME ZONE 'UTC')::date
 WHERE t.id IN (
        SELECT t.id
          FROM transfers t
         CROSS JOIN LATERAL unnest(coalesce(t.wallet_ids, ARRAY[t.source]), coalesce(t.amounts, ARRAY[-t.amount])) d (wallet_id, amount)
          JOIN wallets w ON w.id = d.wallet_id
         WHERE t.status = 'applied'
           AND t.type IN ('transfer', 'withdrawal', 'hold')
           AND t.counted_on IS NULL
           AND d.amount < 0
           AND t.finished_at >= w.counted_since
       )
