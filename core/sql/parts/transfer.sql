-- A transfer with its entries, as core.transfers.from_row reads it. The statement names the row of transfers `t`.
-- The entries are of the statement's own snapshot, so a final transfer is never read without them.
-- Index: entries_transfer per row.
{{submission.names of t}}, t.status, t.failure_code, t.available, t.needed, t.created_at, t.finished_at, t.parent, t.fit, t.closes, t.captured, t.returned,
       t.moved, t.scheduled_for, t.apply_by, t.expires_at, t.wallet_ids, t.amounts,
       coalesce((SELECT json_agg(json_build_array(entry.wallet_id, entry.version, entry.amount, entry.balance_after))
                   FROM entries entry WHERE entry.transfer_id = t.id), '[]') AS entries
