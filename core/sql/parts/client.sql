-- A client with its wallets as JSON, as core.clients.from_row reads it. The statement names the row of clients `c` and the JSON
-- `made.wallets`.
c.id, c.name, c.external_id, c.metadata, c.idempotency_key, c.fingerprint, c.created_at, made.wallets
