-- Changes what of a client's wallet is frozen, and its limits. Returns the wallet as it is then; nothing if there is no such wallet.
-- Locks: the wallet until the transaction ends, waiting for a drain that has it (core/admin/migrations/0016_wallet_rules.sql).
-- Index: wallets_pkey, wallet_changes_pkey.
SELECT {{wallet}}
  FROM change_wallet(%(id)s, %(changes)s::text::jsonb, %(key_id)s, %(reason)s) w
