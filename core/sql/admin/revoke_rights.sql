-- Takes all rights to Teller's tables, schema and database from PUBLIC and from a role.
-- Runs for each role before core/sql/admin/grant_rights.sql, in the same transaction: no session sees the state between them.
REVOKE ALL ON migrations, clients, wallets, wallet_identities, currencies, transfers, parties, queue, due, entries, shards, keys, events, feed,
          webhook_endpoints, webhook_secrets, deliveries, delivery_attempts, fan_outs, receivers, delivery_bounds,
          endpoint_events, wallet_changes, client_changes, running_totals, audits FROM PUBLIC, {role};
REVOKE ALL ON SEQUENCE queue_position_seq, fence FROM PUBLIC, {role};
REVOKE ALL ON FUNCTION take_client_key, are_keys_of_no_client, count_endpoints_locked, make_external_wallets, cancel_transfer,
          release_expired, change_wallet, change_client, sessions_of_teller FROM PUBLIC, {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {role};
