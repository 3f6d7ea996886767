-- A wallet, as core.wallets.Wallet reads it. The statement names the row of wallets `w`.
-- The digits of its currency are looked up, not listed: ISO may withdraw a currency, and its wallets stay. Index: currencies_pkey.
w.id, w.client_id, w.currency, (SELECT minor_unit FROM currencies WHERE code = w.currency) AS minor_unit, w.balance, w.held, w.version,
       w.status, w.created_at,
       {{rules}}
