"""Whatever server, database and role set by default, Teller's sessions are as Teller needs them, or are refused in words."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from api.admission.readiness import Readiness
from core import ids
from core.admin.migrate import migrate
from core.ids import Prefix
from core.postgres import deadline, role_settings, session
from core.postgres.connections import AsyncConnection, connect_worker
from core.postgres.faults import is_of_the_connection, is_transient
from core.postgres.limits import WORKER_LIMITS, session_of
from core.postgres.pool import Database
from core.settings import Settings
from tests.caller import OPERATOR_KEY, Caller
from tests.databases import Databases
from tests.system import ROOT, System
from tests.waiting import wait_for

METADATA = {"name": "José", "note": "日本 €"}

# Each of them has stopped, slowed or falsified something: by value, by encoding, by a limit, or by which table a name means.
HOSTILE = {
    "client_encoding": "LATIN1",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kolkata",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "search_path": "pg_temp",
    "row_security": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "transaction_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "client_connection_check_interval": "0",
    "synchronous_commit": "off",
    "exit_on_error": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_indexscan": "off",
    "enable_nestloop": "off",
    "jit_above_cost": "0",
    "restrict_nonsystem_relation_kind": "view",
}


def of_database(url: str) -> sql.Composed:
    return sql.SQL("DATABASE {}").format(sql.Identifier(urlsplit(url).path[1:]))


def of_role(url: str) -> sql.Composed:
    parts = urlsplit(url)
    return sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(str(parts.username)), sql.Identifier(parts.path[1:]))


def set_default(owner: psycopg.Connection[object], where: sql.Composed, name: str, value: str) -> None:
    assigned = sql.SQL("pg_temp") if value == "pg_temp" else sql.Literal(value)
    owner.execute(sql.SQL("ALTER {} SET {} = {}").format(where, sql.Identifier(name), assigned))


def assert_works(system: System) -> None:
    """A deposit with any text is stored, applied and shown, and its neighbours with it."""
    caller = system.caller()
    wallet = caller.new_wallet(1)
    accepted = caller.deposit(wallet, 5, metadata=METADATA, reference="Año")
    assert accepted.status == 202, accepted
    assert caller.wait_final(accepted.body["id"])["status"] == "applied"
    shown = caller.get(f"/v1/transfers?wallet_id={wallet}")
    assert [one["metadata"] for one in shown.body["data"]] == [METADATA, {}]
    events = wait_for(lambda: told(caller, accepted.body["id"]), "the deposit's event")
    assert events["metadata"] == METADATA
    assert events["created_at"].endswith("Z")
    assert caller.get("/readyz").status == 200


def told(caller: Caller, id: str) -> Any:
    answer = caller.get("/v1/events?limit=100")
    assert answer.status == 200, answer
    return next((event["data"] for event in answer.body["data"] if event["data"]["id"] == id), None)


@pytest.mark.parametrize("level", ["database", "role"])
def test_no_default_of_a_database_or_a_role_changes_what_teller_does(
    own_system: System, connection: psycopg.Connection[object], level: str
) -> None:
    """All at once: each alone is asked back in the next test."""
    url = own_system.database_url
    for name, value in HOSTILE.items():
        set_default(connection, {"database": of_database, "role": of_role}[level](url), name, value)

    own_system.start_api()
    own_system.start_workers(1)
    own_system.start_sweeper()

    assert_works(own_system)
    own_system.audit()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_session_is_as_it_must_be_whatever_one_default_says(
    database_url: str, connection: psycopg.Connection[object], name: str
) -> None:
    set_default(connection, of_role(database_url), name, HOSTILE[name])

    with closing(connect_worker(database_url)) as opened:
        asked = dict(opened.execute("SELECT name, current_setting(name) FROM pg_settings").fetchall())

    for needed, value in session.needs(session_of(WORKER_LIMITS)).items():
        assert asked.get(needed, value) == value


@pytest.mark.parametrize(("default", "kept"), [("remote_apply", "remote_apply"), ("remote_write", "on"), ("local", "on")])
def test_a_commit_waits_for_no_less_than_the_default_says(
    database_url: str, connection: psycopg.Connection[object], default: str, kept: str
) -> None:
    set_default(connection, of_database(database_url), "synchronous_commit", default)

    with closing(connect_worker(database_url)) as opened:
        assert opened.execute("SHOW synchronous_commit").fetchone() == (kept,)


def test_a_setting_that_does_not_change_is_named_at_readiness_and_by_the_worker(
    own_system: System, connection: psycopg.Connection[object]
) -> None:
    set_default(connection, of_database(own_system.database_url), "session_replication_role", "replica")
    words = "the setting session_replication_role is 'replica', must be 'origin', and does not change"

    own_system.start_api()
    worker = own_system.start("worker", "apply")
    caller = own_system.caller()

    answer = wait_for(lambda: refused(caller, "database_session"), "a readyz that says so")
    assert words in answer
    assert caller.post("/v1/clients", {"name": "Ada"}).status == 503
    wait_for(lambda: words in (own_system.folder / "worker-apply-1.log").read_text(), "a worker that says so")
    assert worker.poll() is None
    connection.execute(sql.SQL("ALTER {} RESET ALL").format(of_database(own_system.database_url)))
    own_system.start_sweeper()
    wait_for(lambda: caller.get("/readyz").status == 200, "a session that is fit")
    assert_works(own_system)


def refused(caller: Caller, check: str) -> str:
    """The words of a readyz that fails for this reason, and none of any other."""
    answer = caller.get("/readyz")
    return str(answer.body["detail"]) if answer.status == 503 and check in answer.body["detail"] else ""


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def foreign(databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """The owner's URL of an empty database with an encoding that cannot hold every text, or checks none."""
    with psycopg.connect(databases.owner_url(databases.empty()), autocommit=True) as owner:
        name = f"{owner.info.dbname}_{request.param.lower()}"
        create = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE_PROVIDER libc LOCALE 'C'"
        owner.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(request.param)))
        yield urlunsplit(urlsplit(databases.owner_url(databases.empty()))._replace(path=f"/{name}"))
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_database_in_another_encoding_is_not_migrated_and_not_ready(foreign: str, tmp_path: Path) -> None:
    given = {"DATABASE_URL": foreign, "TELLER_ADMIN_DATABASE_URL": ""}
    done = subprocess.run(
        [sys.executable, "-m", "core", "migrate"], cwd=ROOT, env=given, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "createdb -E UTF8 -T template0" in done.stderr
    assert "Traceback" not in done.stderr
    with psycopg.connect(foreign) as connection:
        assert connection.execute("SELECT to_regclass('migrations')").fetchone() == (None,)
    system = System(tmp_path, foreign, "redis://127.0.0.1:1/0")
    try:
        system.start_api()
        caller = system.caller()
        assert "createdb -E UTF8" in str(wait_for(lambda: refused(caller, "database_session"), "a readyz that says so"))
    finally:
        system.close()


def test_migrate_resets_what_a_role_has_set_for_itself(databases: Databases, capsys: pytest.CaptureFixture[str]) -> None:
    url = databases.migrated()
    with psycopg.connect(url, autocommit=True) as application:
        application.execute("ALTER ROLE CURRENT_USER SET transaction_timeout = '1ms'")
        name = sql.Identifier(application.info.dbname)
        application.execute(sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET search_path = pg_temp").format(name))
    given = {"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": databases.owner_url(url), "TELLER_OPERATOR_KEY": OPERATOR_KEY}

    migrate(Settings.model_validate(given))

    with psycopg.connect(databases.owner_url(url)) as owner:
        assert role_settings.defaults(owner, str(urlsplit(url).username)) == []
    assert "transaction_timeout" in capsys.readouterr().err


def test_a_statement_that_is_not_there_is_a_fault_and_never_a_transfers() -> None:
    for state in ("26000", "42P05", "0A000", "08P01"):
        error = psycopg.errors.lookup(state)()
        assert is_transient(error)
        assert is_of_the_connection(error)


def test_a_connection_that_became_read_only_is_closed_and_not_put_back(
    database_url: str, connection: psycopg.Connection[object]
) -> None:
    """As after a switchover, when the server that it leads to has become a standby."""
    seen: list[int] = []

    async def work(one: AsyncConnection) -> None:
        seen.append(one.info.backend_pid)
        if len(seen) == 1:
            await one.execute("SET default_transaction_read_only = on")
        await one.execute("DELETE FROM queue")

    async def main() -> None:
        database = Database(database_url, connections=2)
        await database.open()
        try:
            await database.run(work)
        finally:
            await database.close()

    asyncio.run(main())

    assert len(seen) == 2
    assert seen[0] != seen[1]


# Each is written by a hand on the database, as the API writes none of them.
DAMAGE = {
    "metadata with an integer of 5000 digits": "metadata = jsonb_build_object('n', repeat('9', 5000)::numeric)",
    "metadata with a number beyond every float": "metadata = '{\"n\": 1.5e400}'",
    "metadata of other things than text": 'metadata = \'{"n": 1, "o": {"p": [null, true]}}\'',
    "a moment that never comes": "created_at = '-infinity'",
    "a moment before year 1": "created_at = '0044-03-15 BC'",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_row_that_cannot_be_read_takes_no_neighbour_along(
    caller: Caller, shared_database: psycopg.Connection[Any], damage: str
) -> None:
    wallet = caller.new_wallet(1)
    damaged = caller.deposit(wallet, 5).body["id"]
    caller.wait_final(damaged)
    after = caller.deposit(wallet, 6, metadata=METADATA).body["id"]
    caller.wait_final(after)
    id = ids.parse(Prefix.TRANSFER, damaged)

    shared_database.execute(f"UPDATE transfers SET {DAMAGE[damage]} WHERE id = %s".encode(), [id])
    try:
        listed = caller.get(f"/v1/transfers?wallet_id={wallet}")
        event = caller.get(f"/v1/events/{damaged.replace('trf', 'evt')}")
        alone = caller.get(f"/v1/transfers/{damaged}")
    finally:
        healed = "UPDATE transfers SET metadata = '{}', created_at = now(), finished_at = now() WHERE id = %s"
        shared_database.execute(healed, [id])

    assert (listed.status, event.status, alone.status) == (200, 200, 200)
    assert [one["id"] for one in listed.body["data"]][:2] == [after, damaged]
    assert listed.body["data"][0]["metadata"] == METADATA


def test_readiness_connects_anew_where_a_name_led_to_a_server_that_does_not_write(databases: Databases) -> None:
    """No request comes to an API that is not ready, so no write of one would close the connection."""
    url = databases.migrated()
    role = sql.Identifier(urlsplit(url).username or "")
    with psycopg.connect(databases.owner_url(url), autocommit=True) as owner:
        of_role = sql.SQL("ALTER ROLE {} IN DATABASE {}").format(role, sql.Identifier(urlsplit(url).path[1:]))
        owner.execute(of_role + sql.SQL(" SET default_transaction_read_only = on"))

        async def looks() -> None:
            database = Database(url)
            readiness = Readiness(database)
            await database.open()
            try:
                assert not (await readiness.check())[0].get("database_writable")
                owner.execute(of_role + sql.SQL(" RESET ALL"))
                async with asyncio.timeout(20):
                    while not (await readiness.check())[0].get("database_writable"):
                        deadline.start()
                        await asyncio.sleep(0.1)
            finally:
                await database.close()

        asyncio.run(looks())
