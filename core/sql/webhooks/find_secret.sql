-- Returns the times of an owner's secret for callback URLs, never the secret.
-- Index: webhook_secrets_pkey.
SELECT created_at, CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
  FROM webhook_secrets
 WHERE owner = %(owner)s
