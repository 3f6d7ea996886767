-- Changes a client. Returns it as it is then, with its wallets; nothing if there is no such client.
-- Locks: the client until the transaction ends, and waits for another change of it; a new external id waits for a transaction that
-- stores the same one (core/admin/migrations/0020_viewers.sql).
-- Index: clients_pkey, clients_external_id_key, client_changes_pkey, wallets_client_currency.
SELECT {{client}}
  FROM change_client(%(id)s, %(changes)s::text::jsonb, %(key_id)s, %(reason)s) c
 CROSS JOIN LATERAL (
        {{wallets_of_client}}
       ) made
 WHERE made.wallets IS NOT NULL
