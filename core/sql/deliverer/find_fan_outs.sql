-- For each of these audiences from which moment on fan-outs are left, NULL when none is, and how far the first has come; the horizon, below which all transactions have
-- ended; and the next moment that no transaction has had. A look at the index an audience, from the moment given with it on: what is
-- below that was deleted, and its index entries stay for as long as a snapshot is held anywhere. Locks nothing. Leans on fan_outs_pkey.
SELECT wanted.audience, first.moment, first.after_ordinal, feed_horizon() AS horizon, feed_next() AS next
  FROM unnest(%(audiences)s::text[], %(bounds)s::bigint[]) AS wanted (audience, bound)
  LEFT JOIN LATERAL (
        SELECT f.moment, f.after_ordinal
          FROM fan_outs f
         WHERE f.audience = wanted.audience AND f.moment >= wanted.bound
         ORDER BY f.audience, f.moment
         LIMIT 1
       ) first ON true
