-- All that the API, the workers and the audit may do in the database; what is not here, they may not. Every migration run makes it so
-- again, in one transaction: what was granted beside it is taken back, and nobody sees the moment between. A migration that makes a
-- table or a column adds here what the application needs of it; tests/integration/test_rights.py fails until somebody has decided.
REVOKE ALL ON migrations, clients, wallets, transfers, queue, entries, shards, keys, events, feed,
          webhook_endpoints, webhook_secrets, deliveries, delivery_attempts FROM PUBLIC, {role};
REVOKE ALL ON SEQUENCE queue_position_seq, fence FROM PUBLIC, {role};
REVOKE ALL ON FUNCTION take_client_key, are_keys_of_no_client, count_endpoints_locked FROM PUBLIC, {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {role};

GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};

GRANT SELECT ON migrations TO {role};
GRANT UPDATE ON SEQUENCE fence TO {role};
GRANT SELECT, INSERT ON clients TO {role};
GRANT EXECUTE ON FUNCTION take_client_key, are_keys_of_no_client, count_endpoints_locked TO {role};

-- A row lock takes the right to UPDATE some column: for wallets one of those that change anyway, for shards the one made for it. The
-- floor is raised by the worker that has locked the shard.
GRANT SELECT, INSERT, UPDATE (balance, version) ON wallets TO {role};
GRANT SELECT, UPDATE (lockable, floor) ON shards TO {role};

GRANT SELECT, INSERT, UPDATE (status, failure_code, finished_at, moment, ordinal) ON transfers TO {role};
GRANT SELECT, INSERT, DELETE ON queue TO {role};
GRANT SELECT ON SEQUENCE queue_position_seq TO {role};
GRANT SELECT, INSERT ON entries TO {role};
GRANT SELECT, INSERT ON events TO {role};
GRANT SELECT ON feed TO {role};
GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON keys TO {role};

GRANT SELECT, INSERT, DELETE, UPDATE (
          url, events, description, status, disabled_reason, disabled_at, failing_since, secret, old_secret, old_secret_expires_at
      )
   ON webhook_endpoints TO {role};
GRANT SELECT, INSERT, UPDATE (secret, old_secret, old_secret_expires_at, created_at) ON webhook_secrets TO {role};
GRANT SELECT, INSERT, UPDATE (status, attempts, failures, next_attempt_at, finished_at) ON deliveries TO {role};
GRANT SELECT, INSERT ON delivery_attempts TO {role};
