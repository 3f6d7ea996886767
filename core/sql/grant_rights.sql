-- All that the API, the workers and the audit may do in the database; what is not here, they may not. Every migration run makes it so
-- again, in one transaction: what was granted beside it is taken back, and nobody sees the moment between. A migration that makes a
-- table or a column adds here what the application needs of it; tests/integration/test_rights.py fails until somebody has decided.
REVOKE ALL ON migrations, clients, wallets, transfers, queue, entries, shards, keys, events, feed,
          webhook_endpoints, webhook_secrets, deliveries, delivery_attempts, fan_outs, receivers, delivery_bounds,
          endpoint_events FROM PUBLIC, {role};
REVOKE ALL ON SEQUENCE queue_position_seq FROM PUBLIC, {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {role};

GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};

GRANT SELECT ON migrations TO {role};
GRANT SELECT, INSERT ON clients TO {role};

-- A row lock takes the right to UPDATE some column: for wallets one of those that change anyway, for shards the one made for it.
GRANT SELECT, INSERT, UPDATE (balance, version) ON wallets TO {role};
GRANT SELECT, UPDATE (lockable) ON shards TO {role};

GRANT SELECT, INSERT, UPDATE (status, failure_code, finished_at, moment, ordinal) ON transfers TO {role};
GRANT SELECT, INSERT, DELETE ON queue TO {role};
GRANT SELECT, INSERT ON entries TO {role};
GRANT SELECT, INSERT ON events TO {role};
GRANT SELECT ON feed TO {role};
GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON keys TO {role};

GRANT SELECT, INSERT, DELETE, UPDATE (
          url, events, description, status, disabled_reason, disabled_at, failing_since, secret, old_secret, old_secret_expires_at
      )
   ON webhook_endpoints TO {role};
GRANT SELECT, INSERT, UPDATE (secret, old_secret, old_secret_expires_at, created_at) ON webhook_secrets TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (status, attempts, failures, next_attempt_at, finished_at) ON deliveries TO {role};
GRANT SELECT, INSERT, DELETE ON delivery_attempts TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (after_ordinal, after_endpoint) ON fan_outs TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (due_from, used_at) ON receivers TO {role};
GRANT SELECT, UPDATE (value) ON delivery_bounds TO {role};

-- Its moment is the default, and none that the role chooses: one far away would stop the feed.
GRANT SELECT, INSERT (id, owner, endpoint_id, endpoint) ON endpoint_events TO {role};
