-- Returns the clients whose names begin with a text, without regard to case, with their wallets: in the order of their names in
-- lower case, byte by byte, after a given name and id. Percent signs and underscores are letters like others.
-- The upper end of the range is the text and more characters than a name has, each the last one of Unicode.
-- Index: clients_name; wallets_client_currency per row.
SELECT {{client}}
  FROM (
        SELECT *
          FROM clients
         WHERE (lower(name) COLLATE "C", id) > (lower(%(after_name)s::text) COLLATE "C", %(after)s)
           AND lower(name) COLLATE "C" >= lower(%(name)s::text) COLLATE "C"
           AND lower(name) COLLATE "C" < (lower(%(name)s::text) || repeat(chr(1114111), 201)) COLLATE "C"
         ORDER BY lower(name) COLLATE "C", id
         LIMIT %(limit)s
       ) c
 CROSS JOIN LATERAL (
        {{wallets_of_client}}
       ) made
 WHERE made.wallets IS NOT NULL
 ORDER BY lower(c.name) COLLATE "C", c.id
