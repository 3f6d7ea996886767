-- Whether the row `t` of transfers is what a list is filtered by (core/transfer_lists.py); NULL stands for any. A transfer that is
-- scheduled for later is stored as queued, and is not found as such.
-- With a `client_id`, only transfers of its wallets. The amount is the one that the caller is shown.
-- Index: wallets_client_currency.
(%(status)s::text IS NULL OR %(status)s = CASE WHEN t.status = 'queued' AND t.scheduled_for > now() THEN 'scheduled' ELSE t.status END)
       AND (%(type)s::text IS NULL OR t.type = %(type)s)
       AND (%(parent)s::uuid IS NULL OR t.parent = %(parent)s)
       AND (%(reference)s::text IS NULL OR t.reference = %(reference)s)
       AND (%(created_from)s::timestamptz IS NULL OR t.created_at >= %(created_from)s)
       AND (%(created_to)s::timestamptz IS NULL OR t.created_at < %(created_to)s)
       AND (%(amount_from)s::bigint IS NULL OR {{shown_amount}} >= %(amount_from)s)
       AND (%(amount_to)s::bigint IS NULL OR {{shown_amount}} <= %(amount_to)s)
       AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s = ANY({{parties}}))
       AND (%(client_id)s::uuid IS NULL OR {{parties}} && ARRAY(SELECT id FROM wallets WHERE client_id = %(client_id)s))
