-- What is told of an owner's secret for callback URLs. Leans on webhook_secrets_pkey.
SELECT created_at, CASE WHEN old_secret_expires_at > now() THEN old_secret_expires_at END AS old_secret_expires_at
  FROM webhook_secrets
 WHERE owner = %(owner)s
