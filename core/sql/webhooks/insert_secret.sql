-- Stores an owner's first secret for callback URLs, unless it has one.
-- Index: webhook_secrets_pkey.
INSERT INTO webhook_secrets (owner, secret) VALUES (%(owner)s, %(secret)s) ON CONFLICT DO NOTHING RETURNING owner
