"""What the HTTP tests share beside the ground of all tests."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import psycopg
import pytest

from tests.caller import Caller
from tests.databases import Databases
from tests.system import System

NOWHERE = "redis://127.0.0.1:1/0"  # a port on which nothing listens

Count: TypeAlias = Callable[[], dict[str, int]]
AsClient: TypeAlias = Callable[[Mapping[str, Any]], Caller]


@pytest.fixture(scope="session")
def idle_system(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An API alone, without workers and without Redis: what it accepts stays queued."""
    system = System(tmp_path_factory.mktemp("idle"), databases.migrated(), NOWHERE)
    system.start_api()
    yield system
    system.close()


@pytest.fixture
def idle_caller(idle_system: System) -> Iterator[Caller]:
    """An operator's calls to the idle system."""
    caller = Caller(idle_system.url)
    yield caller
    caller.close()


@pytest.fixture
def as_client(caller: Caller) -> Iterator[AsClient]:
    """Makes a key for a client of the shared system, and returns who calls with it."""
    made: list[Caller] = []

    def make(client: Mapping[str, Any]) -> Caller:
        answer = caller.request("POST", f"/v1/clients/{client['id']}/keys")
        assert answer.status == 201, answer
        made.append(Caller(caller.url, answer.body["key"]))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def shared_database(shared_system: System) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the shared system's database, to see what is stored beside what is answered."""
    with psycopg.connect(shared_system.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def count_stored(shared_database: psycopg.Connection[Any]) -> Count:
    """Counts what a request may have stored. The tests of one process run in turn, so that nobody else stores meanwhile."""

    def count() -> dict[str, int]:
        row = shared_database.execute(
            "SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM clients), (SELECT count(*) FROM wallets)"
        ).fetchone()
        assert row is not None
        return dict(zip(("transfers", "clients", "wallets"), row, strict=True))

    return count
