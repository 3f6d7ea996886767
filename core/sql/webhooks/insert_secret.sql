-- Gives an owner a first secret for callback URLs, unless it has one. Leans on webhook_secrets_pkey.
INSERT INTO webhook_secrets (owner, secret) VALUES (%(owner)s, %(secret)s) ON CONFLICT DO NOTHING RETURNING owner
