"""The rights of each role on each table: the role tries each verb, and everything that would free it from its limits."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import errors, sql

from core.admin.migrate import migrate
from core.postgres.statements import statement
from core.settings import Settings
from tests.databases import Databases, with_role
from tests.integration.test_schema import ROWS
from tests.sql import STATEMENTS as ALL_STATEMENTS
from tests.world import World

Connection: TypeAlias = psycopg.Connection[Any]
Rights: TypeAlias = Mapping[str, Mapping[str, set[str]]]

ALL: set[str] = set()  # of a table's columns: the verb is granted for the whole table
COUNTERS = {"counted_day", "debits_today", "debits_this_month"}
SECRETS = {"secret", "old_secret", "old_secret_expires_at"}

# What each process may do, by table; a set names the columns. The owner may do everything, but for what REFUSED lists.
API: Rights = {
    "migrations": {"SELECT": ALL},
    "clients": {"SELECT": ALL, "INSERT": {"id", "name", "external_id", "metadata", "idempotency_key", "fingerprint"}},
    "wallets": {"SELECT": ALL, "INSERT": {"id", "client_id", "currency", "idempotency_key", "fingerprint"}},
    "currencies": {"SELECT": ALL},
    "transfers": {
        "SELECT": ALL,
        "INSERT": {
            *(
                "parent",
                "fit",
                "closes",
                "scheduled_for",
                "apply_within_s",
                "apply_by",
                "expires_at",
                "sweeps",
                "wallet_ids",
                "amounts",
            ),
            *("id", "type", "source", "destination", "amount", "currency", "reference", "metadata", "callback_url", "owner"),
            *("idempotency_key", "fingerprint", "shard", "submitted_by"),
        },
    },
    "parties": {"SELECT": ALL, "INSERT": {"wallet_id", "transfer_id"}},
    "wallet_identities": {"SELECT": ALL},
    "queue": {"SELECT": ALL, "INSERT": {"shard", "transfer_id"}},
    "due": {"SELECT": ALL, "INSERT": {"wallet_id", "transfer_id", "shard", "due_at"}},
    "entries": {"SELECT": ALL},
    "running_totals": {"SELECT": ALL},
    "events": {"SELECT": ALL},
    "feed": {"SELECT": ALL},
    "webhook_endpoints": {
        "SELECT": ALL,
        "INSERT": {"id", "owner", "wallet_id", "url", "events", "description", "secret"},
        "DELETE": ALL,
        "UPDATE": {"url", "events", "description", "status", "disabled_reason", "disabled_at", "failing_since", *SECRETS},
    },
    "webhook_secrets": {"SELECT": ALL, "INSERT": {"owner", "secret"}, "UPDATE": {*SECRETS, "created_at"}},
    "deliveries": {"SELECT": ALL, "UPDATE": {"status", "failures", "next_attempt_at", "finished_at"}},
    "delivery_attempts": {"SELECT": ALL},
    "fan_outs": {},
    "receivers": {"SELECT": ALL, "INSERT": {"owner", "receiver"}, "UPDATE": {"used_at"}},
    "delivery_bounds": {},
    "endpoint_events": {"SELECT": ALL},
    "shards": {"SELECT": ALL},
    "keys": {"SELECT": ALL, "INSERT": {"id", "role", "client_id", "digest", "name"}, "UPDATE": {"last_used_at", "revoked_at"}},
    "wallet_changes": {"SELECT": ALL},
    "client_changes": {"SELECT": ALL},
    "audits": {"SELECT": ALL},
}

WORKER: Rights = {
    "migrations": {"SELECT": ALL},
    "clients": {"SELECT": ALL},
    "wallets": {"SELECT": ALL, "UPDATE": {"balance", "held", "version", "guard", "status", *COUNTERS}},
    "currencies": {"SELECT": ALL},
    "wallet_identities": {"SELECT": ALL},
    "wallet_changes": {"SELECT": ALL, "INSERT": {"wallet_id", "number", "before", "after", "reason"}},
    "client_changes": {"SELECT": ALL},
    "audits": {"SELECT": ALL, "INSERT": {"began_at", "broken", "transfers", "entries", "wallets"}, "DELETE": ALL},
    "transfers": {
        "SELECT": ALL,
        "UPDATE": {
            *(
                "status",
                "failure_code",
                "available",
                "needed",
                "finished_at",
                "moment",
                "ordinal",
                "captured",
                "returned",
                "moved",
                "unreversed",
                "apply_by",
                "counted_on",
            )
        },
    },
    "parties": {"SELECT": ALL},
    "queue": {"SELECT": ALL, "INSERT": {"shard", "transfer_id"}, "DELETE": ALL},
    "due": {"SELECT": ALL, "INSERT": {"wallet_id", "transfer_id", "verb", "shard", "due_at"}, "DELETE": ALL, "UPDATE": {"due_at"}},
    "entries": {"SELECT": ALL, "INSERT": {"wallet_id", "version", "transfer_id", "amount", "balance_after"}},
    "running_totals": {"SELECT": ALL, "INSERT": {"wallet_id", "version", "credits", "latest"}},
    "events": {"SELECT": ALL, "INSERT": {"transfer_ids"}},
    "feed": {"SELECT": ALL},
    "webhook_endpoints": {"SELECT": {"id", "owner", "wallet_id", "client_id", "events", "status"}},
    "deliveries": {"SELECT": ALL, "DELETE": ALL, "UPDATE": {"finished_at"}},
    "delivery_attempts": {"SELECT": ALL, "DELETE": ALL},
    "fan_outs": {"SELECT": ALL, "INSERT": {"audience", "moment"}},
    "receivers": {"SELECT": ALL, "DELETE": ALL, "UPDATE": {"used_at"}},
    "delivery_bounds": {"SELECT": ALL, "UPDATE": {"value"}},
    "endpoint_events": {"SELECT": ALL},
    "shards": {"SELECT": ALL, "UPDATE": {"lockable", "floor"}},
}

DELIVERER: Rights = {
    "wallets": {"SELECT": {"id", "client_id", "currency"}},
    "transfers": {"SELECT": ALL},
    "entries": {"SELECT": ALL},
    "events": {"SELECT": ALL},
    "feed": {"SELECT": ALL},
    "webhook_endpoints": {"SELECT": ALL, "UPDATE": {"failing_since", "status", "disabled_reason", "disabled_at"}},
    "webhook_secrets": {"SELECT": ALL},
    "deliveries": {
        "SELECT": ALL,
        "INSERT": {"owner", "receiver", "transfer_id", "endpoint_id", "shard"},
        "UPDATE": {"status", "attempts", "failures", "next_attempt_at", "finished_at"},
    },
    "fan_outs": {"SELECT": ALL, "INSERT": {"audience", "moment"}, "DELETE": ALL, "UPDATE": {"after_ordinal", "after_endpoint"}},
    "receivers": {"SELECT": ALL, "INSERT": {"owner", "receiver", "due_from"}, "UPDATE": {"due_from", "used_at"}},
    "delivery_bounds": {"SELECT": ALL, "UPDATE": {"value"}},
    "endpoint_events": {"SELECT": ALL, "INSERT": {"owner", "endpoint_id", "endpoint"}},
    "delivery_attempts": {"INSERT": {"delivery_id", "number", "started_at", "duration_ms", "status_code", "error"}},
}

RIGHTS: Mapping[str, Rights] = {"api": API, "worker": WORKER, "deliverer": DELIVERER}
TABLES = list(API)
SEQUENCES = {"api": {("fence", "UPDATE", False)}, "worker": {("queue_position_seq", "SELECT", False)}, "deliverer": set()}

# By triggers, or by what is there already, to every role that has the right.
ADDED_TO = {"UPDATE", "DELETE", "TRUNCATE"}
REFUSED = {
    "entries": ADDED_TO,
    "wallet_changes": ADDED_TO,
    "client_changes": ADDED_TO,
    "feed": {"INSERT"},
    "delivery_bounds": {"INSERT"},
}

# The statements that each process runs; those of `migrate` are the owner's.
STATEMENTS = {
    "api": [
        "webhooks/cancel_deliveries",
        "session/check",
        "queue/count",
        "queue/count_by_client",
        "queue/count_due",
        "queue/count_shards",
        "queue/find_place",
        "webhooks/delete_endpoint",
        "session/fence",
        "session/find_backend",
        "clients/find",
        "clients/change",
        "clients/list_changes",
        "clients/find_by_key",
        "webhooks/find_delivery",
        "webhooks/find_endpoint",
        "events/find",
        "keys/find",
        "keys/find_by_id",
        "transfers/find",
        "transfers/find_by_key",
        "transfers/list_by_any_key",
        "transfers/list_by_key",
        "transfers/list_by_reference",
        "clients/list_by_name",
        "wallets/change",
        "wallets/find",
        "wallets/find_by_key",
        "wallets/find_of_client",
        "wallets/find_sides",
        "wallets/insert",
        "webhooks/find_secret",
        "clients/insert",
        "webhooks/insert_endpoint",
        "keys/insert",
        "transfers/insert",
        "transfers/insert_special",
        "transfers/cancel",
        "transfers/list_children",
        "transfers/list_open_holds",
        "transfers/list_scheduled",
        "webhooks/insert_secret",
        "session/list_backends",
        "clients/list",
        "webhooks/list_deliveries_of_endpoint",
        "webhooks/list_endpoints",
        "events/list",
        "keys/list",
        "admin/list_migrations",
        "transfers/list_queued",
        "webhooks/list_deliveries_of_transfer",
        "transfers/list",
        "wallets/list_changes",
        "wallets/list_entries",
        "periods/find",
        "periods/list_entries",
        "periods/sum_credits",
        "preview/begin",
        "preview/find_wallets",
        "preview/read_clock",
        "events/list_of_client",
        "transfers/list_of_wallet",
        "events/measure_horizon",
        "queue/measure",
        "keys/note_use",
        "ops/count_scheduled",
        "ops/find_holder",
        "ops/find_last_audit",
        "ops/limit_statements",
        "ops/list_blocked",
        "ops/list_drains",
        "ops/list_sessions",
        "ops/measure_database",
        "webhooks/redeliver_all",
        "webhooks/redeliver",
        "keys/revoke",
        "webhooks/rotate_endpoint_secret",
        "webhooks/rotate_secret",
        "session/set",
        "webhooks/update_endpoint",
    ],
    "worker": [
        "admin/store_audit",
        "audit/clients",
        "audit/counts",
        "audit/deliveries",
        "audit/events",
        "audit/floors",
        "audit/lines",
        "audit/queue",
        "audit/stray_entries",
        "audit/transfer_entries",
        "audit/transfers",
        "audit/wallet_balances",
        "audit/wallet_chain",
        "audit/running_totals",
        "audit/wallets",
        "audit/zero_sum",
        "audit/holds",
        "audit/parents",
        "audit/children",
        "audit/due",
        "audit/closures",
        "audit/rules",
        "audit/limits",
        "history/choose_bounds",
        "history/count_since",
        "history/digest_heads",
        "history/digest_segment",
        "history/find_cut",
        "history/find_last_event",
        "reconcile/list_movements",
        "since/chain",
        "since/dates",
        "since/events",
        "since/heads",
        "since/movements",
        "since/places",
        "drain/find_specials",
        "drain/find_parents",
        "drain/update_counters",
        "drain/note_counted",
        "drain/note_shortfalls",
        "drain/close_wallets",
        "drain/update_parents",
        "drain/insert_due",
        "drain/delete_due",
        "drain/put_off_release",
        "sweep/queue_due",
        "drain/claim_queue",
        "queue/count_shards",
        "retention/delete_deliveries",
        "drain/delete_queue",
        "retention/delete_receivers",
        "sweep/find_last_position",
        "drain/finish_transfers",
        "drain/insert_entries",
        "retention/limit_retention",
        "admin/list_lock_holders",
        "drain/list_queue_writers",
        "sweep/list_waiting_shards",
        "drain/lock_shards",
        "drain/lock_wallets",
        "sweep/raise_floors",
        "drain/store_floors",
        "drain/update_wallets",
        "totals/hurry",
        "totals/insert",
    ],
    "deliverer": [
        "deliverer/advance_receivers",
        "webhooks/cancel_deliveries",
        "deliverer/claim_deliveries",
        "deliverer/fan_out_endpoints",
        "deliverer/fan_out_operators",
        "deliverer/fan_out_parties",
        "deliverer/find_fan_outs",
        "deliverer/list_delivery_bounds",
        "deliverer/list_receivers",
        "deliverer/look_at_receivers",
        "deliverer/mark_delivery",
        "deliverer/move_delivery_bound",
        "deliverer/recover_receivers",
        "deliverer/step_over_fan_out",
    ],
    "owner": [
        "admin/add_checksums",
        "admin/compare_owner",
        "heal/continue_feed",
        "admin/create_migrations",
        "admin/create_role",
        "heal/delete_far_events",
        "admin/fill_checksums",
        "admin/find_checksums",
        "admin/find_role",
        "admin/grant_rights",
        "heal/insert_external_wallets",
        "heal/feed",
        "heal/queue",
        "heal/due",
        "heal/repair_due",
        "heal/repair_parents",
        "heal/repair_identities",
        "heal/repair_parties",
        "heal/shards",
        "admin/insert_currencies",
        "admin/insert_external_wallets",
        "keys/insert_first_operator",
        "admin/insert_migration",
        "admin/insert_shards",
        "admin/limit_temporary_files",
        "admin/list_checksums",
        "admin/set_serves_from",
        "admin/list_open_functions",
        "session/list_role_settings",
        "admin/list_strangers",
        "heal/lower_floors",
        "heal/repair_queue",
        "heal/repair_wallets",
        "heal/repair_rules",
        "heal/repair_counted",
        "heal/repair_counters",
        "heal/repair_running_totals",
        "admin/revoke_rights",
        "admin/set_password",
    ],
}
UNPLANNED = {"preview/begin"}  # SET TRANSACTION has no plan, and needs no right
PLANNED = [
    (process, name) for process, names in STATEMENTS.items() if process != "owner" for name in names if name not in UNPLANNED
]

# What would free a role from its limits. The owner may, which proves that each is a statement that only its author's rights stop.
ESCAPES = [
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in TABLES),
    *(f"ALTER TABLE {table} OWNER TO CURRENT_USER" for table in TABLES),
    *(f"ALTER TABLE {table} ADD COLUMN freed text" for table in TABLES),
    *(f"CREATE RULE freed AS ON INSERT TO {table} DO INSTEAD NOTHING" for table in TABLES),
    *(f"DROP TABLE {table} CASCADE" for table in TABLES),
    "ALTER TABLE entries DROP CONSTRAINT entries_transfer",
    "ALTER TABLE wallets DROP CONSTRAINT balance_not_negative",
    "ALTER TABLE transfers DROP COLUMN reference",
    "DROP TRIGGER entries_are_final ON entries",
    "CREATE TRIGGER freed BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION refuse_change CASCADE",
    "CREATE OR REPLACE FUNCTION feed_horizon() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
    "DROP INDEX transfers_source",
    "CREATE INDEX freed ON entries (amount)",
    "SELECT setval('queue_position_seq', 1000)",
    "SELECT nextval('queue_position_seq')",
    "INSERT INTO queue (shard, position, transfer_id) OVERRIDING SYSTEM VALUE VALUES (0, 9223372036854775807, gen_random_uuid())",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'a')",
    "SELECT pg_export_snapshot()",
    "SET temp_file_limit = -1",
    "CREATE TABLE freed (freed text)",
    "CREATE TEMPORARY TABLE entries (freed text)",
    "CREATE VIEW freed AS SELECT 1",
    "CREATE FUNCTION freed() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA freed",
    "DROP SCHEMA public CASCADE",
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL ROLE {owner}",
    "SET LOCAL SESSION AUTHORIZATION {owner}",
    "CREATE ROLE teller_test_freed",
    "ALTER ROLE {role} SUPERUSER",
    "ALTER ROLE {owner} PASSWORD 'freed'",
    "GRANT {owner} TO {role}",
    "ALTER DATABASE {database} OWNER TO {role}",
    "ALTER DATABASE {database} SET session_replication_role = replica",
    "REASSIGN OWNED BY {role} TO {owner}",
    "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE",
    "CREATE PUBLICATION freed FOR TABLE entries",
    "COPY entries TO PROGRAM 'cat > /dev/null'",
]


SECRET = "whsec_" + "A" * 32

# Tables that one applied transfer leaves empty.
FILLED = {
    "queue": "(shard, transfer_id) SELECT 0, id",
    "parties": "(wallet_id, transfer_id) SELECT destination, id",
    "due": "(wallet_id, transfer_id, shard, due_at) SELECT destination, id, 0, 'infinity'",
    "webhook_endpoints": f"(id, owner, url, events, secret) SELECT id, 'operator', 'u', '{{transfer.applied}}', '{SECRET}'",
    "webhook_secrets": f"(owner, secret) SELECT 'operator', '{SECRET}'",
    "deliveries": "(owner, receiver, transfer_id, shard) SELECT owner, 'example.com', id, shard",
    "delivery_attempts": "(delivery_id, number, started_at, duration_ms, error) SELECT id, 1, now(), 0, 'timed_out'",
    "fan_outs": "(audience, moment) SELECT 'parties', moment",
    "running_totals": "(wallet_id, version, credits, latest) SELECT destination, 64, 1, now()",
    "receivers": "(owner, receiver) SELECT owner, 'example.com'",
    "wallet_changes": "(wallet_id, number, before, after, reason) SELECT source, 1, '{}'::jsonb, '{\"a\": 1}'::jsonb, 'r'",
    "client_changes": "(client_id, number, before, after, reason) SELECT source, 1, '{}'::jsonb, '{\"a\": 1}'::jsonb, 'r'",
    "audits": "(began_at, broken, transfers, entries, wallets) SELECT now(), '{}'::jsonb, 0, 0, 0",
    "endpoint_events": "(owner, endpoint_id, endpoint) SELECT 'operator', id, '{}'::jsonb",
}


@dataclass(frozen=True)
class Roles:
    """A connection of each role to one migrated database with a row in each table. What is tried is rolled back."""

    api: Connection
    worker: Connection
    deliverer: Connection
    owner: Connection

    def attempt(self, process: str, statement: str, params: list[Any] | None = None) -> str:
        """Return "done", or "denied" for want of a right, or "refused" to every role."""
        connection: Connection = getattr(self, process)
        names = {
            "role": sql.Identifier(self.user(process)),
            "owner": sql.Identifier(self.owner.info.user),
            "database": sql.Identifier(self.owner.info.dbname),
        }
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(sql.SQL(statement).format(**names), params)
        except errors.InsufficientPrivilege:
            return "denied"
        except (errors.RestrictViolation, errors.UniqueViolation):
            return "refused"
        except errors.IntegrityError:
            return "done"  # a row of defaults alone: the right to write the column was there
        return "done"

    def user(self, process: str) -> str:
        """The name of the role; the API's where the owner tries what a role would do to itself."""
        connection: Connection = self.api if process == "owner" else getattr(self, process)
        return connection.info.user


@pytest.fixture(scope="module")
def roles(databases: Databases) -> Iterator[Roles]:
    url = databases.empty()  # the rights to a database itself are not copied with it
    owner_url = databases.owner_url(url)
    worker_url, deliverer_url = (with_role(url, databases.new_role(), "a-password") for _ in range(2))
    migrate(
        Settings.model_validate(
            {
                "DATABASE_URL": url,
                "TELLER_ADMIN_DATABASE_URL": owner_url,
                "TELLER_WORKER_DATABASE_URL": worker_url,
                "TELLER_DELIVERER_DATABASE_URL": deliverer_url,
            }
        )
    )
    world = World(owner_url, owner_url)
    world.new_wallet(10)
    for table, filled in FILLED.items():
        world.query(f"INSERT INTO {table} {filled} FROM transfers")
    api, worker, deliverer, owner = (psycopg.connect(one, autocommit=True) for one in (url, worker_url, deliverer_url, owner_url))
    with api, worker, deliverer, owner:
        yield Roles(api, worker, deliverer, owner)


def expected(process: str, table: str, verb: str, column: str = "") -> str:
    if process == "owner":
        return "refused" if verb in REFUSED.get(table, ()) else "done"
    columns = RIGHTS[process].get(table, {}).get(verb)
    return "denied" if columns is None or (columns and column not in columns) else "done"


def test_every_table_stands_above_and_holds_a_row(roles: Roles) -> None:
    tables = roles.owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    assert {name for (name,) in tables} == set(TABLES)
    for table in TABLES:
        assert roles.owner.execute(f"SELECT FROM {table}".encode()).rowcount > 0, table


@pytest.mark.parametrize("process", [*RIGHTS, "owner"])
@pytest.mark.parametrize("table", TABLES)
def test_a_role_may_do_to_a_table_what_is_listed_and_nothing_else(roles: Roles, process: str, table: str) -> None:
    row = ROWS[table]
    values = f"({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})"
    done = {
        "SELECT": roles.attempt(process, f"SELECT * FROM {table}"),
        "INSERT": roles.attempt(process, f"INSERT INTO {table} {values}", list(row.values())) if process == "owner" else "columns",
        "DELETE": roles.attempt(process, f"DELETE FROM {table}"),
        "TRUNCATE": roles.attempt(process, f"TRUNCATE {table}"),
        "TRIGGER": roles.attempt(process, f"CREATE TRIGGER tried BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_change()"),
    }

    assert done == {verb: "columns" if done[verb] == "columns" else expected(process, table, verb) for verb in done}


@pytest.mark.parametrize("process", [*RIGHTS, "owner"])
@pytest.mark.parametrize("table", TABLES)
def test_a_role_may_write_and_read_the_columns_that_are_listed_and_no_others(roles: Roles, process: str, table: str) -> None:
    columns = roles.owner.execute(
        "SELECT attname, attidentity <> '' OR attgenerated <> '' FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        [table],
    ).fetchall()
    update, insert, select = ({}, {}, {})
    for name, is_given in columns:
        update[name] = roles.attempt(process, f"UPDATE {table} SET {name} = {'DEFAULT' if is_given else name}")
        insert[name] = roles.attempt(process, f"INSERT INTO {table} ({name}) VALUES (DEFAULT)")
        select[name] = roles.attempt(process, f"SELECT {name} FROM {table}")

    assert update == {name: expected(process, table, "UPDATE", name) for name in update}
    assert select == {name: expected(process, table, "SELECT", name) for name in select}
    if process != "owner":
        assert insert == {name: expected(process, table, "INSERT", name) for name in insert}


def test_no_role_chooses_an_events_moment(roles: Roles) -> None:
    """A moment that is far away would stand before all that come, and stop the feed."""
    columns = "(moment, owner, endpoint_id, endpoint)"
    insert = f"INSERT INTO endpoint_events {columns} VALUES (9223372036854775807, 'operator', mint_uuid(), jsonb_build_object())"

    assert [roles.attempt(one, insert) for one in ("api", "worker", "deliverer", "owner")] == ["denied", "denied", "denied", "done"]


def test_the_catalogue_knows_of_no_other_grants(roles: Roles) -> None:
    """Those too that nothing above tries: REFERENCES, MAINTAIN, the right to grant, and what is granted to PUBLIC."""
    for process, rights in RIGHTS.items():
        granted = roles.owner.execute(
            "SELECT relname, privilege_type, is_grantable FROM pg_class, aclexplode(relacl)"
            " WHERE relnamespace = 'public'::regnamespace AND (grantee = 0 OR grantee = %s::regrole)",
            [roles.user(process)],
        ).fetchall()

        whole = {(table, verb, False) for table, verbs in rights.items() for verb, columns in verbs.items() if not columns}
        assert set(granted) == whole | SEQUENCES[process]


def test_each_statement_is_of_some_process() -> None:
    assert {name for names in STATEMENTS.values() for name in names} == ALL_STATEMENTS.keys()


@pytest.mark.parametrize(("process", "name"), PLANNED)
def test_a_process_may_run_the_statements_that_it_runs(roles: Roles, process: str, name: str) -> None:
    """Planned and begun, not run to its end: that is when Postgres asks for the rights."""
    text = statement(name)
    params = dict.fromkeys(re.findall(r"%\((\w+)\)", text))

    connection: Connection = getattr(roles, process)
    with connection.transaction(force_rollback=True):
        assert connection.execute(f"EXPLAIN {text}", params).fetchone()


def test_every_role_is_withheld_what_another_one_is_for(roles: Roles) -> None:
    """So that the three are three: a statement of each that both others are refused."""
    own = {
        "api": "INSERT INTO clients (id, name, metadata) VALUES (gen_random_uuid(), 'Eve', '{}')",
        "worker": "UPDATE wallets SET balance = balance",
        "deliverer": "UPDATE deliveries SET attempts = attempts",
    }
    for mine, text in own.items():
        done = {process: roles.attempt(process, text.replace("{", "{{").replace("}", "}}")) for process in own}
        assert done == {process: "done" if process == mine else "denied" for process in own}


@pytest.mark.parametrize("process", RIGHTS)
@pytest.mark.parametrize("statement", ESCAPES)
def test_a_role_cannot_free_itself_where_the_owner_could(roles: Roles, statement: str, process: str) -> None:
    assert roles.attempt(process, statement) == "denied"
    assert roles.attempt("owner", statement) == "done"


@pytest.mark.parametrize("process", RIGHTS)
def test_a_role_cannot_grant_itself_what_it_lacks(roles: Roles, process: str) -> None:
    """Postgres answers with a warning where some right is held, without the right to pass it on."""
    connection: Connection = getattr(roles, process)
    for table in TABLES:
        with connection.transaction(force_rollback=True):
            with suppress(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(f"GRANT ALL ON {table} TO CURRENT_USER".encode())
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(f"TRUNCATE {table}".encode())


def test_the_worker_may_lock_what_a_drain_locks(roles: Roles) -> None:
    assert roles.attempt("worker", "SELECT FROM shards FOR UPDATE SKIP LOCKED") == "done"
    assert roles.attempt("worker", "SELECT FROM wallets FOR NO KEY UPDATE") == "done"
    assert roles.attempt("worker", "SELECT FROM entries FOR UPDATE") == "denied"


def test_no_role_locks_a_table_but_one_from_which_it_deletes(roles: Roles) -> None:
    locked = {
        (process, table)
        for process in RIGHTS
        for table in TABLES
        if roles.attempt(process, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE") == "done"
    }

    retention = {("worker", table) for table in ("deliveries", "delivery_attempts", "receivers", "audits")}
    assert locked == {("worker", "queue"), ("worker", "due"), ("api", "webhook_endpoints"), ("deliverer", "fan_outs"), *retention}


def test_the_files_of_a_sort_are_bounded_but_for_the_audits(roles: Roles) -> None:
    limits = {}
    for process in RIGHTS:
        connection: Connection = getattr(roles, process)
        with psycopg.connect(connection.info.dsn, password=connection.info.password) as again:
            limits[process] = again.execute("SHOW temp_file_limit").fetchone()

    assert limits == {"api": ("1GB",), "worker": ("-1",), "deliverer": ("1GB",)}
