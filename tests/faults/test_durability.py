"""202 means durable: also when PostgreSQL itself is killed a moment later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.postgres import Postgres
from tests import cluster
from tests.databases import Databases
from tests.system import System
from tests.waiting import wait_for
from tests.world import NO_REDIS


@pytest.fixture
def lazy_postgres(tmp_path: Path, postgres_cluster: Path) -> Iterator[Postgres]:
    """A PostgreSQL server that writes its log when a COMMIT asks for it, and hardly ever by itself."""
    server = cluster.copy(postgres_cluster, tmp_path / "postgres", {"wal_writer_delay": "10s", "autovacuum": "off"})
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture
def system(lazy_postgres: Postgres, tmp_path: Path) -> Iterator[System]:
    """An API alone, on that server."""
    (tmp_path / "logs").mkdir()
    system = System(tmp_path / "logs", Databases(lazy_postgres.url("postgres")).migrated(), NO_REDIS)
    system.start_api()
    yield system
    system.close()


def test_what_was_answered_with_202_is_there_after_a_kill_of_postgres(system: System, lazy_postgres: Postgres) -> None:
    caller = system.caller()
    wallet = caller.new_wallet()
    accepted = [caller.deposit(wallet, 1).body["id"] for _ in range(3)]

    lazy_postgres.kill()
    lazy_postgres.start()

    wait_for(lambda: caller.get("/v1/clients").status == 200, "the API to find Postgres again")
    assert [caller.get(f"/v1/transfers/{id}").status for id in accepted] == [200] * 3
    system.audit()
