"""Who may do what to which table: each role tries each verb, and everything that would free it from its limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import errors, sql

from core.migrate import migrate
from core.settings import Settings
from tests.databases import Databases
from tests.integration.test_schema import ROWS
from tests.world import World

Connection: TypeAlias = psycopg.Connection[Any]

# What the application may do, by table; UPDATE names its columns. The owner may do everything, but for what REFUSED lists.
APPLICATION: dict[str, dict[str, set[str]]] = {
    "migrations": {"SELECT": set()},
    "clients": {"SELECT": set(), "INSERT": set()},
    "wallets": {"SELECT": set(), "INSERT": set(), "UPDATE": {"balance", "version"}},
    "transfers": {"SELECT": set(), "INSERT": set(), "UPDATE": {"status", "failure_code", "finished_at", "moment", "ordinal"}},
    "queue": {"SELECT": set(), "INSERT": set(), "DELETE": set()},
    "entries": {"SELECT": set(), "INSERT": set()},
    "events": {"SELECT": set(), "INSERT": set()},
    "feed": {"SELECT": set()},
    "webhook_endpoints": {
        "SELECT": set(),
        "INSERT": set(),
        "DELETE": set(),
        "UPDATE": {
            *("url", "events", "description", "status", "disabled_reason", "disabled_at", "failing_since"),
            *("secret", "old_secret", "old_secret_expires_at"),
        },
    },
    "webhook_secrets": {
        "SELECT": set(),
        "INSERT": set(),
        "UPDATE": {"secret", "old_secret", "old_secret_expires_at", "created_at"},
    },
    "deliveries": {
        "SELECT": set(),
        "INSERT": set(),
        "DELETE": set(),
        "UPDATE": {"status", "attempts", "failures", "next_attempt_at", "finished_at"},
    },
    "delivery_attempts": {"SELECT": set(), "INSERT": set(), "DELETE": set()},
    "fan_outs": {"SELECT": set(), "INSERT": set(), "DELETE": set(), "UPDATE": {"after_ordinal", "after_endpoint"}},
    "receivers": {"SELECT": set(), "INSERT": set(), "DELETE": set(), "UPDATE": {"due_from", "used_at"}},
    "delivery_bounds": {"SELECT": set(), "UPDATE": {"value"}},
    "endpoint_events": {"SELECT": set(), "INSERT": {"id", "owner", "endpoint_id", "endpoint"}},  # and not its moment
    "shards": {"SELECT": set(), "UPDATE": {"lockable"}},
    "keys": {"SELECT": set(), "INSERT": set(), "UPDATE": {"last_used_at", "revoked_at"}},
}

# By triggers, or by what is there already, to whoever has the right.
REFUSED = {"entries": {"UPDATE", "DELETE", "TRUNCATE"}, "feed": {"INSERT"}, "delivery_bounds": {"INSERT"}}


# What would free a role from its limits. The owner may, which proves that each is a statement that only its author's rights stop.
ESCAPES = [
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in APPLICATION),
    *(f"ALTER TABLE {table} OWNER TO CURRENT_USER" for table in APPLICATION),
    *(f"ALTER TABLE {table} ADD COLUMN freed text" for table in APPLICATION),
    *(f"CREATE RULE freed AS ON INSERT TO {table} DO INSTEAD NOTHING" for table in APPLICATION),
    *(f"DROP TABLE {table} CASCADE" for table in APPLICATION),
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
    "ALTER ROLE {application} SUPERUSER",
    "ALTER ROLE {owner} PASSWORD 'freed'",
    "GRANT {owner} TO {application}",
    "ALTER DATABASE {database} OWNER TO {application}",
    "ALTER DATABASE {database} SET session_replication_role = replica",
    "REASSIGN OWNED BY {application} TO {owner}",
    "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE",
    "CREATE PUBLICATION freed FOR TABLE entries",
    "COPY entries TO PROGRAM 'cat > /dev/null'",
]


SECRET = "whsec_" + "A" * 32

# Tables that one applied transfer leaves empty.
FILLED = {
    "queue": "(shard, transfer_id) SELECT 0, id",
    "webhook_endpoints": f"(id, owner, url, events, secret) SELECT id, 'operator', 'u', '{{transfer.applied}}', '{SECRET}'",
    "webhook_secrets": f"(owner, secret) SELECT 'operator', '{SECRET}'",
    "deliveries": "(owner, receiver, transfer_id, shard) SELECT owner, 'example.com', id, shard",
    "delivery_attempts": "(delivery_id, number, started_at, duration_ms, error) SELECT id, 1, now(), 0, 'timed_out'",
    "fan_outs": "(audience, moment) SELECT 'parties', moment",
    "receivers": "(owner, receiver) SELECT owner, 'example.com'",
    "endpoint_events": "(owner, endpoint_id, endpoint) SELECT 'operator', id, '{}'::jsonb",
}


@dataclass(frozen=True)
class Roles:
    """A connection of each role to one migrated database with a row in each table. What is tried is rolled back."""

    application: Connection
    owner: Connection

    def attempt(self, who: str, statement: str, params: list[Any] | None = None) -> str:
        """Return "done", or "denied" for want of a right, or "refused" whoever asks."""
        connection: Connection = getattr(self, who)
        names = {
            "application": sql.Identifier(self.application.info.user),
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
        return "done"


@pytest.fixture(scope="module")
def roles(databases: Databases) -> Iterator[Roles]:
    url = databases.empty()  # the rights to a database itself are not copied with it
    owner_url = databases.owner_url(url)
    migrate(Settings.model_validate({"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": owner_url}))
    world = World(url, owner_url)
    world.new_wallet(10)
    for table, filled in FILLED.items():
        world.query(f"INSERT INTO {table} {filled} FROM transfers")
    with psycopg.connect(url, autocommit=True) as application, psycopg.connect(owner_url, autocommit=True) as owner:
        yield Roles(application, owner)


def expected(who: str, table: str, verb: str, column: str = "") -> str:
    if who == "application":
        allowed = APPLICATION[table]
        return "done" if verb in allowed and (not column or column in allowed[verb]) else "denied"
    return "refused" if verb in REFUSED.get(table, ()) else "done"


def test_every_table_stands_above_and_holds_a_row(roles: Roles) -> None:
    tables = roles.owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    assert {name for (name,) in tables} == set(APPLICATION)
    for table in APPLICATION:
        assert roles.owner.execute(f"SELECT FROM {table}".encode()).rowcount > 0, table


@pytest.mark.parametrize("who", ["application", "owner"])
@pytest.mark.parametrize("table", APPLICATION)
def test_a_role_may_do_to_a_table_what_is_listed_and_nothing_else(roles: Roles, who: str, table: str) -> None:
    row = {"name": "0000_tried"} if table == "migrations" else ROWS[table]
    values = f"({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})"
    done = {
        "SELECT": roles.attempt(who, f"SELECT * FROM {table}"),
        "INSERT": roles.attempt(who, f"INSERT INTO {table} {values}", list(row.values())),
        "DELETE": roles.attempt(who, f"DELETE FROM {table}"),
        "TRUNCATE": roles.attempt(who, f"TRUNCATE {table}"),
        "TRIGGER": roles.attempt(who, f"CREATE TRIGGER tried BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_change()"),
    }

    assert done == {verb: expected(who, table, verb) for verb in done}


@pytest.mark.parametrize("who", ["application", "owner"])
@pytest.mark.parametrize("table", APPLICATION)
def test_a_role_may_update_the_columns_that_are_listed_and_no_others(roles: Roles, who: str, table: str) -> None:
    columns = roles.owner.execute(
        "SELECT attname, attidentity <> '' OR attgenerated <> '' FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        [table],
    ).fetchall()
    done = {
        name: roles.attempt(who, f"UPDATE {table} SET {name} = {'DEFAULT' if is_given else name}") for name, is_given in columns
    }

    assert done == {name: expected(who, table, "UPDATE", name) for name in done}


def test_the_application_cannot_choose_an_events_moment(roles: Roles) -> None:
    """A moment that is far away would stand before all that come, and stop the feed."""
    columns = "(moment, owner, endpoint_id, endpoint)"
    insert = f"INSERT INTO endpoint_events {columns} VALUES (9223372036854775807, 'operator', mint_uuid(), jsonb_build_object())"

    assert [roles.attempt(who, insert) for who in ("application", "owner")] == ["denied", "done"]


def test_the_catalogue_knows_of_no_other_grants(roles: Roles) -> None:
    """Those too that nothing above tries: REFERENCES, MAINTAIN, the right to grant, and what is granted to everybody."""
    granted = roles.owner.execute(
        "SELECT relname, privilege_type, is_grantable FROM pg_class, aclexplode(relacl)"
        " WHERE relnamespace = 'public'::regnamespace AND (grantee = 0 OR grantee = %s::regrole)",
        [roles.application.info.user],
    ).fetchall()

    whole = {(table, verb, False) for table, verbs in APPLICATION.items() for verb, columns in verbs.items() if not columns}
    assert set(granted) == whole


@pytest.mark.parametrize("statement", ESCAPES)
def test_the_application_cannot_free_itself_where_the_owner_could(roles: Roles, statement: str) -> None:
    assert roles.attempt("application", statement) == "denied"
    assert roles.attempt("owner", statement) == "done"


def test_the_application_cannot_grant_itself_what_it_lacks(roles: Roles) -> None:
    """Postgres answers with a warning where some right is held, without the right to pass it on."""
    for table in APPLICATION:
        with roles.application.transaction(force_rollback=True):
            roles.application.execute(f"GRANT ALL ON {table} TO CURRENT_USER".encode())
            with pytest.raises(errors.InsufficientPrivilege):
                roles.application.execute(f"TRUNCATE {table}".encode())


def test_the_application_may_lock_what_a_drain_locks(roles: Roles) -> None:
    assert roles.attempt("application", "SELECT FROM shards FOR UPDATE SKIP LOCKED") == "done"
    assert roles.attempt("application", "SELECT FROM wallets FOR NO KEY UPDATE") == "done"
    assert roles.attempt("application", "SELECT FROM entries FOR UPDATE") == "denied"
