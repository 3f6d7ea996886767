-- A client with its wallet, as core.clients.Client reads it. The statement names the row of clients `c` and that of wallets `w`.
c.id, c.name, c.external_id, c.metadata, c.idempotency_key, c.fingerprint, c.created_at,
       w.id AS wallet_id, w.currency, w.balance, w.held, w.version, w.status, w.created_at AS wallet_created_at,
       {{rules}}
