-- Gives an owner a first secret for callback URLs, or another one; then the one before signs too for a while. The same again, after
-- a lost connection, changes nothing. Leans on webhook_secrets_pkey.
INSERT INTO webhook_secrets AS s (owner, secret)
VALUES (%(owner)s, %(secret)s)
ON CONFLICT (owner) DO UPDATE
   SET secret = excluded.secret,
       old_secret = CASE WHEN s.secret = excluded.secret THEN s.old_secret ELSE s.secret END,
       old_secret_expires_at = CASE WHEN s.secret = excluded.secret THEN s.old_secret_expires_at
                                    ELSE now() + make_interval(secs => %(old_signs_for_s)s) END,
       created_at = CASE WHEN s.secret = excluded.secret THEN s.created_at ELSE now() END
RETURNING created_at, old_secret_expires_at
