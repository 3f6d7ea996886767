-- Returns what an unrevoked key opens, and whether its use has to be recorded (keys/note_use).
-- A client's key comes with the wallets that it may debit. The key of a client without a wallet opens nothing.
-- Locks nothing. Index: keys_digest_key, wallets_client_currency.
SELECT k.id AS key_id, k.role, k.client_id, w.ids AS wallet_ids,
       coalesce(k.last_used_at < now() - interval '1 minute', true) AS use_is_due
  FROM (SELECT * FROM keys WHERE digest = %(digest)s OFFSET 0) k
 CROSS JOIN LATERAL (SELECT ARRAY(SELECT id FROM wallets WHERE client_id = k.client_id OFFSET 0) AS ids OFFSET 0) w
 WHERE k.revoked_at IS NULL
   AND (k.role <> 'client' OR cardinality(w.ids) > 0)
