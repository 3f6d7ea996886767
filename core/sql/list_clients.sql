-- Clients with their wallets, newest first, from just below a given one; only that of the external id when one is given.
-- Leans on clients_pkey backwards, or on clients_external_id_key, and on wallets_client_id_key a row.
SELECT c.id, c.name, c.external_id, c.metadata, c.idempotency_key, c.fingerprint, c.created_at,
       w.id AS wallet_id, w.currency, w.balance, w.version, w.status, w.created_at AS wallet_created_at
  FROM clients c
  JOIN wallets w ON w.client_id = c.id
 WHERE c.id < %(before)s
   AND (%(external_id)s::text IS NULL OR c.external_id = %(external_id)s)
 ORDER BY c.id DESC
 LIMIT %(limit)s
