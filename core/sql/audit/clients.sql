-- A client is what the newest row of its history says. Its rows are numbered 1..n, and each begins where the one before ended. The
-- first one begins with the client as it was made, of which nothing else is kept.
-- Reads all rows of client_changes, and by clients_pkey the clients that have some.
SELECT 'client' AS kind, h.client_id AS id,
       CASE WHEN c.id IS NULL THEN 'has a history, and does not exist' ELSE 'is not what its history ends with' END AS detail
  FROM (SELECT DISTINCT ON (client_id) client_id, after FROM client_changes ORDER BY client_id, number DESC) h
  LEFT JOIN clients c ON c.id = h.client_id
 WHERE client_as_told(c.name, c.external_id, c.metadata) IS DISTINCT FROM h.after
UNION ALL
SELECT 'client', client_id, 'has a change ' || number || ' that does not follow the one before'
  FROM (
        SELECT client_id, number, before, lag(number, 1, 0) OVER history AS previous, lag(after) OVER history AS ended
          FROM client_changes
        WINDOW history AS (PARTITION BY client_id ORDER BY number)
       ) chained
 WHERE number <> previous + 1 OR before <> ended
