-- Whether the row `t` of transfers is what a list is filtered by (core/transfer_lists.py); NULL stands for any. A transfer that is
-- scheduled for later is stored as queued, and is not found as such.
-- With a `client_id`, only transfers of its wallets. The amount is the one that the caller is shown (core/render.py): what it came
-- to, or may come to. A client, which is `seen_by`, sees of several debits or credits its own lines alone: else it could find out
-- the amounts of others by this filter.
-- Index: wallets_client_currency.
(%(status)s::text IS NULL OR %(status)s = CASE WHEN t.status = 'queued' AND t.scheduled_for > now() THEN 'scheduled' ELSE t.status END)
       AND (%(type)s::text IS NULL OR t.type = %(type)s)
       AND (%(parent)s::uuid IS NULL OR t.parent = %(parent)s)
       AND (%(reference)s::text IS NULL OR t.reference = %(reference)s)
       AND (%(created_from)s::timestamptz IS NULL OR t.created_at >= %(created_from)s)
       AND (%(created_to)s::timestamptz IS NULL OR t.created_at < %(created_to)s)
       AND (coalesce(%(amount_from)s::bigint, %(amount_to)s::bigint) IS NULL
            OR CASE WHEN cardinality(t.wallet_ids) > 2 AND %(seen_by)s::uuid IS NOT NULL
                    THEN (SELECT greatest(sum(line.amount) FILTER (WHERE line.amount > 0),
                                          -sum(line.amount) FILTER (WHERE line.amount < 0))
                            FROM unnest(t.wallet_ids, t.amounts) AS line (wallet_id, amount)
                           WHERE line.wallet_id = ANY(ARRAY(SELECT id FROM wallets WHERE client_id = %(seen_by)s)))
                    WHEN t.status = 'applied' THEN coalesce(t.moved, t.amount)
                    ELSE t.amount END
               BETWEEN coalesce(%(amount_from)s, 0) AND coalesce(%(amount_to)s, 9007199254740991))
       AND (%(wallet_id)s::uuid IS NULL OR %(wallet_id)s = ANY({{parties}}))
       AND (%(client_id)s::uuid IS NULL OR {{parties}} && ARRAY(SELECT id FROM wallets WHERE client_id = %(client_id)s))
