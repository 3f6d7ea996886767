-- The wallets of the row `t` of transfers: those of its lines, if it has lines.
coalesce(t.wallet_ids, ARRAY[t.source, t.destination])
