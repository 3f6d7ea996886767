-- Returns, by range of wallets and by currency, the digest of the wallets' heads as they were before a moment. A head is the number and
-- the sum of a wallet's entries: its version and its balance, less what the events from that moment on have added. Only wallets that
-- had entries count, so a client that is made later changes nothing. `clients` is the sum of the clients' balances.
-- The digest is the SHA-256 of a line for each wallet in the order of ids: id, entries, sum and kind.
-- A wallet's versions have not quite the order of moments: a transaction draws its moment before it waits for a wallet. So a head is
-- taken from counts and sums, and not from the entry with the last version.
-- Locks nothing. Reads all wallets, and what is new: events_pkey, per event entries_transfer.
WITH later AS MATERIALIZED (
    SELECT e.wallet_id, count(*) AS entries, sum(e.amount) AS amount
      FROM (SELECT transfer_ids FROM events WHERE moment >= %(before)s OFFSET 0) one_row
     CROSS JOIN LATERAL unnest(one_row.transfer_ids) AS one (transfer_id)
     CROSS JOIN LATERAL (SELECT wallet_id, amount FROM entries WHERE transfer_id = one.transfer_id OFFSET 0) e
     GROUP BY e.wallet_id
), heads AS (
    SELECT coalesce(w.id, later.wallet_id) AS id,
           coalesce(w.currency, '') AS currency,
           coalesce(w.kind, 'missing') AS kind,
           coalesce(w.version, 0) - coalesce(later.entries, 0) AS entries,
           coalesce(w.balance, 0) - coalesce(later.amount, 0) AS balance
      FROM wallets w
      FULL JOIN later ON later.wallet_id = w.id
)
SELECT width_bucket(id, %(bounds)s::uuid[]) AS number,
       currency,
       count(*) AS wallets,
       sum(entries)::bigint AS entries,
       sum(balance) AS balance,
       coalesce(sum(balance) FILTER (WHERE kind = 'client'), 0) AS clients,
       sha256(string_agg(convert_to(concat_ws(' ', id, entries, balance, kind) || E'\n', 'UTF8'), '' ORDER BY id)) AS digest
  FROM heads
 WHERE entries <> 0 OR balance <> 0
 GROUP BY 1, 2
 ORDER BY 1, 2
