-- Returns per audience the first fan-out that is left, with its progress, or NULL.
-- Also returns the horizon, below which all transactions have ended, and the next moment that no transaction has had.
-- Reads one index entry per audience, from its bound on. Fan-outs below it are deleted, but their index entries stay as long as any
-- session holds a snapshot.
-- Locks nothing. Index: fan_outs_pkey.
SELECT wanted.audience, first.moment, first.after_ordinal, feed_horizon() AS horizon, feed_next() AS next
  FROM unnest(%(audiences)s::text[], %(bounds)s::bigint[]) AS wanted (audience, bound)
  LEFT JOIN LATERAL (
        SELECT f.moment, f.after_ordinal
          FROM fan_outs f
         WHERE f.audience = wanted.audience AND f.moment >= wanted.bound
         ORDER BY f.audience, f.moment
         LIMIT 1
       ) first ON true
