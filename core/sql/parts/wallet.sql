-- A wallet, as core.wallets.Wallet reads it. The statement names the row of wallets `w`.
w.id, w.client_id, w.currency, w.balance, w.held, w.version, w.status, w.created_at,
       {{rules}}
