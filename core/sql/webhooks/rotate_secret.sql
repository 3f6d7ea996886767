-- Gives an owner its first or its next secret for callback URLs. The old one signs too until it expires.
-- A repetition with the same secret, after a lost connection, changes nothing.
-- Index: webhook_secrets_pkey.
INSERT INTO webhook_secrets AS s (owner, secret)
VALUES (%(owner)s, %(secret)s)
ON CONFLICT (owner) DO UPDATE
   SET secret = excluded.secret,
       old_secret = CASE WHEN s.secret = excluded.secret THEN s.old_secret ELSE s.secret END,
       old_secret_expires_at = CASE WHEN s.secret = excluded.secret THEN s.old_secret_expires_at
                                    ELSE now() + make_interval(secs => %(old_signs_for_s)s) END,
       created_at = CASE WHEN s.secret = excluded.secret THEN s.created_at ELSE now() END
RETURNING created_at, old_secret_expires_at
