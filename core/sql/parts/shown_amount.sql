-- The amount of the row `t` of transfers as the caller is shown it (core/render.py): what it came to, or may come to. A client, which
-- is `seen_by`, sees of several debits or credits its own lines alone: else it could find out the others' amounts by this filter.
-- Index: wallets_client_currency.
CASE WHEN cardinality(t.wallet_ids) > 2 AND %(seen_by)s::uuid IS NOT NULL
            THEN (SELECT greatest(sum(line.amount) FILTER (WHERE line.amount > 0), -sum(line.amount) FILTER (WHERE line.amount < 0))::bigint
                    FROM unnest(t.wallet_ids, t.amounts) AS line (wallet_id, amount)
                   WHERE line.wallet_id = ANY(ARRAY(SELECT id FROM wallets WHERE client_id = %(seen_by)s)))
            WHEN t.status = 'applied' THEN coalesce(t.moved, t.amount)
            ELSE t.amount END
