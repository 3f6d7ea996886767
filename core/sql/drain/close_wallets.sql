-- Closes wallets that drain/lock_wallets has locked, and adds a row to the history of each, which names its closure.
-- Runs after drain/update_wallets: the rules that it stores have the version that the wallet has for ever.
-- Index: wallets_pkey and wallet_changes_pkey per wallet. It updates by ctid, for the reason given in drain/delete_queue.
WITH closed AS (
    UPDATE wallets w
       SET status = 'closed', guard = ARRAY[w.version, w.held]
      FROM unnest(%(wallet_id)b::uuid[], %(transfer_id)b::uuid[]) AS new (id, closure)
     CROSS JOIN LATERAL (SELECT locked.ctid AS place FROM wallets locked WHERE locked.id = new.id OFFSET 0) found
     WHERE w.ctid = found.place AND w.status = 'active'
    RETURNING w.*, new.closure
)
INSERT INTO wallet_changes (wallet_id, number, before, after, reason)
SELECT c.id, coalesce(newest.number, 0) + 1,
       standing_of('active', c.frozen, c.balance_max, c.debit_max, c.debits_per_day_max, c.debits_per_month_max, c.version),
       standing_of('closed', c.frozen, c.balance_max, c.debit_max, c.debits_per_day_max, c.debits_per_month_max, c.version),
       'closure ' || typeid('trf', c.closure)
  FROM closed c
 CROSS JOIN LATERAL (SELECT max(number) AS number FROM wallet_changes WHERE wallet_id = c.id OFFSET 0) newest
