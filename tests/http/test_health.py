"""Is it alive, may traffic be sent to it: what /healthz and /readyz say in good times and in bad."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.admin import rights
from core.admin.migrate import migration_names
from core.postgres.statements import statement
from tests import cluster
from tests.caller import Caller
from tests.databases import Databases, with_role
from tests.http.conftest import NOWHERE
from tests.system import System
from tests.waiting import wait_for

CHECKS = ("answers", "writable", "durable", "migrated", "not_newer", "commits")
READY = {f"database_{check}": True for check in CHECKS}
TAKEN = {"redis_reachable": True, "redis_takes_doorbells": True}


@contextmanager
def api_on(database_url: str, folder: Path) -> Iterator[Caller]:
    """An API alone on this database; calls to it."""
    system = System(folder, database_url, NOWHERE)
    try:
        system.start_api()
        yield system.caller()
    finally:
        system.close()


def test_healthz_answers(caller: Caller) -> None:
    answer = caller.get("/healthz")

    assert (answer.status, answer.body) == (200, {"status": "ok"})


def test_readyz_names_what_it_has_checked(caller: Caller) -> None:
    answer = caller.get("/readyz")

    assert (answer.status, answer.body) == (200, {"status": "ready", "checks": {**READY, **TAKEN}, "redis_fault": None})


def test_redis_is_reported_but_not_required(idle_caller: Caller) -> None:
    answer = idle_caller.get("/readyz")

    without_redis = {**READY, **dict.fromkeys(TAKEN, False)}
    assert (answer.status, answer.body) == (200, {"status": "ready", "checks": without_redis, "redis_fault": "away"})
    assert idle_caller.deposit(idle_caller.new_wallet(), 5).status == 202


def test_a_database_that_is_not_migrated_is_not_ready(databases: Databases, tmp_path: Path) -> None:
    with api_on(databases.empty(), tmp_path) as caller:
        answer = caller.get("/readyz")

        assert caller.get("/healthz").status == 200
        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.body["detail"] == "not ready: database_migrated"
        assert int(answer.headers["retry-after"]) > 0
        refused = caller.deposit("wal_01h455vb4pex5vsknk084sn02q", 5)
        assert (refused.status, refused.code) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0


def test_a_role_that_was_granted_nothing_is_not_ready(databases: Databases, tmp_path: Path) -> None:
    migrated = databases.migrated()
    url = with_role(migrated, databases.new_role(), "secret")
    with psycopg.connect(databases.owner_url(migrated), autocommit=True) as owner:
        rights.ensure_role(owner, "DATABASE_URL", url)

    with api_on(url, tmp_path) as caller:
        answer = caller.get("/readyz")

    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.body["detail"] == "not ready: database_answers"


def test_a_database_without_the_newest_migration_or_with_a_newer_one_is_not_ready_until_it_fits(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.migrated()
    with api_on(url, tmp_path) as caller, psycopg.connect(databases.owner_url(url), autocommit=True) as owner:
        rename = "UPDATE migrations SET name = '9999_of_a_later_version', serves_from = NULL WHERE name = %s"
        owner.execute(rename, [migration_names()[-1]])
        neither = caller.get("/readyz")
        owner.execute("INSERT INTO migrations (name) VALUES (%s)", [migration_names()[-1]])
        newer = caller.get("/readyz")
        owner.execute("DELETE FROM migrations WHERE name LIKE '9999%'")
        ready = caller.get("/readyz")

    assert [answer.status for answer in (neither, newer, ready)] == [503, 503, 200]
    newer_version = "this database was migrated by a newer Teller (9999_of_a_later_version)"
    assert neither.body["detail"].startswith(f"not ready: database_migrated, database_not_newer ({newer_version}")
    assert newer.body["detail"].startswith(f"not ready: database_not_newer ({newer_version}")


def test_a_newer_database_is_logged_at_the_start_of_the_api_and_the_workers(databases: Databases, own_system: System) -> None:
    with psycopg.connect(databases.owner_url(own_system.database_url), autocommit=True) as owner:
        owner.execute("INSERT INTO migrations (name) VALUES ('9999_of_a_later_version')")

    own_system.start_api()
    for verb in ("apply", "sweep"):
        own_system.start("worker", verb)

    said = '"reason": "this database was migrated by a newer Teller (9999_of_a_later_version)'
    wait_for(lambda: own_system.logs().count(said) == 3, "a line of each process", 60)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_forget_is_not_ready_until_it_may_not(tmp_path: Path, postgres_cluster: Path, setting: str) -> None:
    server = cluster.copy(postgres_cluster, tmp_path / "postgres", {setting: "off"})
    server.start()

    with api_on(Databases(server.url("postgres")).migrated(), tmp_path) as caller:
        forgetful = caller.get("/readyz")
        server.stop()
        server.settings[setting] = "on"
        server.start()
        wait_for(lambda: caller.get("/readyz").status == 200, "the server as it must be")

    server.stop("immediate")
    assert (forgetful.status, forgetful.code) == (503, "unavailable")
    assert forgetful.body["detail"] == "not ready: database_durable"


@pytest.mark.parametrize(("value", "durable"), [("off", False), ("local", True), ("remote_write", True), ("on", True)])
@pytest.mark.parametrize("level", ["session", "role", "database"])
def test_durable_is_what_the_session_is_that_asks(databases: Databases, level: str, value: str, durable: bool) -> None:
    """Teller asks for durable commits when it connects; a pooler in between may not pass that on."""
    url = databases.migrated()
    with psycopg.connect(databases.owner_url(url), autocommit=True) as owner, psycopg.connect(url) as before:
        where = {
            "role": sql.SQL("ALTER ROLE {0} IN DATABASE {1} SET synchronous_commit = {2}"),
            "database": sql.SQL("ALTER DATABASE {1} SET synchronous_commit = {2}"),
        }
        role, database = sql.Identifier(before.info.user), sql.Identifier(before.info.dbname)
        if level in where:
            owner.execute(where[level].format(role, database, sql.Literal(value)))

    with psycopg.connect(url, autocommit=True) as session:
        if level == "session":
            session.execute(sql.SQL("SET synchronous_commit = {}").format(sql.Literal(value)))
        [(found,)] = session.execute(sql.SQL("SELECT durable FROM ({}) AS asked").format(sql.SQL(statement("session/check"))))

    assert found is durable


def test_a_database_that_commits_lazily_by_default_commits_durably_for_teller(databases: Databases, tmp_path: Path) -> None:
    url = databases.migrated()
    with psycopg.connect(databases.owner_url(url), autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))

    with api_on(url, tmp_path) as caller:
        answer = caller.get("/readyz")

    assert (answer.status, answer.body["checks"]["database_durable"]) == (200, True)


def test_a_database_that_is_read_only_is_not_ready(databases: Databases, tmp_path: Path) -> None:
    url = databases.migrated()
    with psycopg.connect(databases.owner_url(url), autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))

    with api_on(url, tmp_path) as caller:
        answer = caller.get("/readyz")
        refused = caller.post("/v1/clients", {"name": "Ada"})

    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.body["detail"] == "not ready: database_writable"
    assert (refused.status, refused.code) == (503, "unavailable")


def test_no_answer_names_a_host_or_a_version(caller: Caller) -> None:
    for path in ("/healthz", "/readyz", "/v1/nothing"):
        answer = caller.get(path)
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers
        assert "127.0.0.1" not in str(answer.body)
