-- The wallets of the client `c`, as JSON in the order in which they were made: that of the client's own transaction first, even if
-- the clock was set back since. NULL if it has none.
-- Index: wallets_client_currency.
SELECT json_agg(one ORDER BY one.created_at <> c.created_at, one.created_at, one.id) AS wallets
          FROM (
                SELECT {{wallet}}
                  FROM (SELECT * FROM wallets WHERE client_id = c.id OFFSET 0) w
               ) one
