"""Is it alive, may traffic be sent to it: what /healthz and /readyz say in good times and in bad."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from core import rights
from local.postgres import Postgres
from tests.caller import Caller
from tests.databases import Databases, with_role
from tests.http.conftest import NOWHERE
from tests.system import System

READY = {"database_answers": True, "database_writable": True, "database_durable": True, "database_migrated": True}


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

    assert (answer.status, answer.body) == (200, {"status": "ready", "checks": {**READY, "redis_reachable": True}})


def test_redis_is_reported_but_not_required(idle_caller: Caller) -> None:
    answer = idle_caller.get("/readyz")

    assert (answer.status, answer.body) == (200, {"status": "ready", "checks": {**READY, "redis_reachable": False}})
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
        rights.let_in(owner, url)

    with api_on(url, tmp_path) as caller:
        answer = caller.get("/readyz")

    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.body["detail"] == "not ready: database_answers"


def test_a_server_that_may_forget_is_not_ready(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", {"full_page_writes": "off"})
    server.start()

    with api_on(Databases(server.url("postgres")).migrated(), tmp_path) as caller:
        answer = caller.get("/readyz")

    server.stop("immediate")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.body["detail"] == "not ready: database_durable"


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
