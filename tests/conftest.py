"""Real servers for all tests: embedded ones of their own, or those that DATABASE_URL (TELLER_ADMIN_DATABASE_URL, where it is set)
and REDIS_URL name.

A test that breaks a server, or empties Redis, starts its own server even if those variables are set.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from local.postgres import Postgres
from local.redis import Redis
from tests import cluster
from tests.caller import Caller
from tests.databases import Databases
from tests.system import System

MEMORY = "/dev/shm"
MEMORY_MIN = 4 << 30  # bytes: what stays of failed tests, and 150 MiB at a time of the others
SHARED_AMOUNT_MAX = 10**9  # an external wallet of the shared system has room for 9 million such deposits


def pytest_configure(config: pytest.Config) -> None:
    """Keep all temporary folders of this run in a new folder.

    Each run closes pytest's common folder to other accounts, and under root the servers run as another account.
    """
    if not hasattr(config, "workerinput"):
        os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.mkdtemp(
            prefix="teller-", dir=folder_in_memory()
        )  # short: a socket's path has 107 bytes


def folder_in_memory() -> str | None:
    """Return a folder in memory, or None: then the tests' files are where TMPDIR says.

    A new database copies 8 MiB, and each COMMIT waits for fsync. In memory the tests took 0.6 of the time and 0.7 of the CPU.
    No test stops the machine, so none sees the difference.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_MIN else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["PYTEST_DEBUG_TEMPROOT"], ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a PostgreSQL server that has been migrated and stopped: see tests/cluster.py."""
    return cluster.make(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Databases]:
    """A PostgreSQL server on which any test may have databases of its own."""
    external = os.environ.get("TELLER_ADMIN_DATABASE_URL") or os.environ.get("DATABASE_URL")
    server = None
    if not external:
        server = cluster.copy(request.getfixturevalue("postgres_cluster"), tmp_path_factory.mktemp("server") / "postgres")
        server.start()
    made = Databases(external or (server.url("postgres") if server else ""))
    yield made
    if server:
        server.stop("immediate")  # without a checkpoint: its data is deleted
    else:
        made.drop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for tests that neither break nor empty it."""
    external = os.environ.get("REDIS_URL")
    if external:
        # A Redis database for each of the processes that run tests: all users of a database share its doorbells.
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield urlunsplit(urlsplit(external)._replace(path=f"/{number}"))
        return
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that the test may empty, freeze or kill."""
    server = Redis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_postgres(tmp_path: Path, postgres_cluster: Path) -> Iterator[Postgres]:
    """A PostgreSQL server that the test may freeze or kill."""
    server = cluster.copy(postgres_cluster, tmp_path / "postgres")
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of the test's own, for the application's role."""
    url = databases.migrated()
    yield url
    databases.release(url)


@pytest.fixture
def owner_url(databases: Databases, database_url: str) -> str:
    """The test's own database, for its owner."""
    return databases.owner_url(database_url)


@pytest.fixture
def connection(owner_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the test's own database, as its owner."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def shared_system(databases: Databases, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A whole system that no test breaks. Tests share it, each with clients and wallets of its own.

    Tests share its external wallets too, one a shard. A deposit of a huge amount would bring one to its limit, and that
    shard's later deposits would be rejected. Such deposits go to `limits` of the HTTP tests or to `own_system`.
    """
    system = System(tmp_path_factory.mktemp("system"), databases.migrated(), redis_url)
    system.start_api()
    system.start_workers(1)
    system.start_sweeper()
    yield system
    system.close()


@pytest.fixture(scope="session")
def shared_database(databases: Databases, shared_system: System) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the shared system's database, as its owner, to compare the stored rows with the answers."""
    with psycopg.connect(databases.owner_url(shared_system.database_url), autocommit=True) as connection:
        yield connection
        huge = connection.execute("SELECT id, amount FROM transfers WHERE amount > %s LIMIT 5", [SHARED_AMOUNT_MAX]).fetchall()
        assert not huge, f"a test sent these to the shared system, and its external wallets must last for all tests: {huge}"


@pytest.fixture
def caller(shared_system: System, shared_database: psycopg.Connection[Any]) -> Iterator[Caller]:
    """An operator's calls to the shared system.

    The operator's endpoints are deleted with the test that made them: they would get the transfers of all later tests.
    """
    caller = Caller(shared_system.url)
    yield caller
    caller.close()
    shared_database.execute("DELETE FROM webhook_endpoints WHERE owner = 'operator' AND status = 'enabled'")


@pytest.fixture
def own_system(database_url: str, own_redis: Redis, tmp_path: Path) -> Iterator[System]:
    """A system of the test's own, on a database and a Redis of its own. Nothing runs yet."""
    (tmp_path / "logs").mkdir()
    system = System(tmp_path / "logs", database_url, own_redis.url)
    yield system
    system.close()
