-- Grants the processes all rights that they have in the database, a section per role. Each run of `migrate` does so again, after
-- core/sql/admin/revoke_rights.sql. A role that several processes share gets the rights of all of them.
-- A migration that adds a table or a column adds it here, to the sections of the processes that need it, and to
-- admin/revoke_rights.sql; tests/integration/test_rights.py fails until then. The columns of transfers that the API inserts are in
-- core/sql/parts/submission.sql.
--
-- An INSERT names its columns where the role must not choose the value of another one: its default does. UPDATE always names them.
-- The right to update one column lets the role lock rows; on a whole table it would also allow LOCK TABLE, so no role has that.

GRANT CONNECT ON DATABASE {database} TO {api}, {worker}, {deliverer};
GRANT USAGE ON SCHEMA public TO {api}, {worker}, {deliverer};

-- The API stores transfers, clients and clients' keys. It moves no money: it may write no entry, balance, outcome or event. Functions
-- write the one outcome that it may ask for, canceled, and the external wallets of a currency. Two others change a client, and what of a
-- wallet is frozen and its limits, each with a row of its history. One shows which of Teller's processes have sessions. The tables' defaults set times, states, positions in the queue, the kind of a
-- wallet and what is done with a transfer at its time. A trigger refuses an operator's key.
GRANT SELECT ON migrations, clients, wallets, wallet_identities, currencies, transfers, parties, queue, due, entries, shards, keys, events,
          feed, webhook_endpoints, webhook_secrets, deliveries, delivery_attempts, endpoint_events, wallet_changes, client_changes,
          running_totals, audits TO {api};
GRANT UPDATE ON SEQUENCE fence TO {api};
GRANT EXECUTE ON FUNCTION take_client_key, are_keys_of_no_client, count_endpoints_locked, make_external_wallets, cancel_transfer,
          change_wallet, change_client, sessions_of_teller TO {api};
GRANT INSERT (id, name, external_id, metadata, idempotency_key, fingerprint) ON clients TO {api};
GRANT INSERT (id, client_id, currency, idempotency_key, fingerprint) ON wallets TO {api};
GRANT INSERT ({{submission.names}}) ON transfers TO {api};
GRANT INSERT (parent, fit, closes, scheduled_for, apply_within_s, apply_by, expires_at, sweeps, wallet_ids, amounts) ON transfers TO {api};
GRANT INSERT (wallet_id, transfer_id) ON parties TO {api};
GRANT INSERT (shard, transfer_id) ON queue TO {api};
GRANT INSERT (wallet_id, transfer_id, shard, due_at) ON due TO {api};
GRANT INSERT (id, role, client_id, digest, name), UPDATE (last_used_at, revoked_at) ON keys TO {api};
GRANT INSERT (id, owner, wallet_id, url, events, description, secret), DELETE, UPDATE (
          url, events, description, status, disabled_reason, disabled_at, failing_since, secret, old_secret, old_secret_expires_at
      )
   ON webhook_endpoints TO {api};
GRANT INSERT (owner, secret), UPDATE (secret, old_secret, old_secret_expires_at, created_at) ON webhook_secrets TO {api};
GRANT UPDATE (status, failures, next_attempt_at, finished_at) ON deliveries TO {api};
GRANT SELECT, INSERT (owner, receiver), UPDATE (used_at) ON receivers TO {api};

-- The workers (apply and sweep) and the audit move money for transfers that the API has stored. They may insert no transfer, client,
-- wallet or key, and read no key and no secret. A function inserts the one transfer that they make: the release of an expired hold.
-- An event's moment is that of their transaction. They delete deliveries that ended long ago. An audit
-- stores its result and deletes old ones. Of a shard they lock the row, by the
-- column made for that, and raise the floor. They close wallets and count what is debited, and may not change what is frozen or a limit.
GRANT SELECT ON migrations, clients, wallets, wallet_identities, currencies, transfers, parties, queue, due, entries, shards, events, feed,
          endpoint_events, fan_outs, wallet_changes, client_changes TO {worker};
GRANT EXECUTE ON FUNCTION release_expired TO {worker};
GRANT SELECT (id, owner, wallet_id, client_id, events, status) ON webhook_endpoints TO {worker};
GRANT UPDATE (lockable, floor) ON shards TO {worker};
GRANT SELECT ON SEQUENCE queue_position_seq TO {worker};
GRANT UPDATE (balance, held, version, guard, status, counted_day, debits_today, debits_this_month) ON wallets TO {worker};
GRANT INSERT (wallet_id, number, before, after, reason) ON wallet_changes TO {worker};
GRANT UPDATE (status, failure_code, available, needed, finished_at, moment, ordinal, captured, returned, moved, unreversed, apply_by, counted_on)
   ON transfers TO {worker};
GRANT INSERT (shard, transfer_id), DELETE ON queue TO {worker};
GRANT INSERT (wallet_id, transfer_id, verb, shard, due_at), DELETE, UPDATE (due_at) ON due TO {worker};
GRANT INSERT (wallet_id, version, transfer_id, amount, balance_after) ON entries TO {worker};
GRANT SELECT, INSERT (wallet_id, version, credits, latest) ON running_totals TO {worker};
GRANT INSERT (transfer_ids) ON events TO {worker};
GRANT INSERT (audience, moment) ON fan_outs TO {worker};
GRANT SELECT, DELETE ON deliveries, delivery_attempts, receivers TO {worker};
GRANT UPDATE (finished_at) ON deliveries TO {worker};
GRANT UPDATE (used_at) ON receivers TO {worker};
GRANT SELECT, UPDATE (value) ON delivery_bounds TO {worker};
GRANT SELECT, INSERT (began_at, broken, transfers, entries, wallets), DELETE ON audits TO {worker};

-- The deliverer makes deliveries of outcomes, sends those that are due and stores the results. It is the only process with a
-- connection to the internet, so it may read only what it sends, which client has
-- which wallet, and the secrets that sign, and may neither move money nor make a key.
GRANT SELECT ON transfers, entries, events, feed, webhook_endpoints, webhook_secrets, deliveries TO {deliverer};
GRANT SELECT (id, client_id, currency) ON wallets TO {deliverer};
GRANT SELECT, INSERT (audience, moment), DELETE, UPDATE (after_ordinal, after_endpoint) ON fan_outs TO {deliverer};
GRANT SELECT, INSERT (owner, endpoint_id, endpoint) ON endpoint_events TO {deliverer};
GRANT SELECT, INSERT (owner, receiver, due_from), UPDATE (due_from, used_at) ON receivers TO {deliverer};
GRANT SELECT, UPDATE (value) ON delivery_bounds TO {deliverer};
GRANT INSERT (owner, receiver, transfer_id, endpoint_id, shard) ON deliveries TO {deliverer};
GRANT UPDATE (failing_since, status, disabled_reason, disabled_at) ON webhook_endpoints TO {deliverer};
GRANT UPDATE (status, attempts, failures, next_attempt_at, finished_at) ON deliveries TO {deliverer};
GRANT INSERT (delivery_id, number, started_at, duration_ms, status_code, error) ON delivery_attempts TO {deliverer};
