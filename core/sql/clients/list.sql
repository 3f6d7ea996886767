-- Returns clients with their wallets, newest first, below a given id; or only the client of an external id, if its name begins
-- with a given text, or none is given.
-- Index: clients_pkey backwards, or clients_external_id_key; wallets_client_currency per row. One plan for both cases would read
-- all clients to find an external id.
SELECT {{client}}
  FROM (
        (SELECT * FROM clients WHERE %(external_id)s::text IS NULL AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT *
           FROM clients
          WHERE external_id = %(external_id)s
            AND id < %(before)s
            AND (%(name)s::text IS NULL OR starts_with(lower(name), lower(%(name)s)))
         OFFSET 0)
       ) c
 CROSS JOIN LATERAL (
        {{wallets_of_client}}
       ) made
 WHERE made.wallets IS NOT NULL
 ORDER BY c.id DESC
 LIMIT %(limit)s
