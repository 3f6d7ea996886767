-- Returns the wallet that was made with this idempotency key, and the fingerprint of that request.
-- Index: wallets_idempotency_key.
SELECT {{wallet}}, w.fingerprint
  FROM wallets w
 WHERE w.idempotency_key = %(idempotency_key)s
