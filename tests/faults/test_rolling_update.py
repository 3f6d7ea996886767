"""A newer version migrates the database and takes over process by process, under load."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from core.admin.migrate import migration_names
from tests import flood
from tests.caller import Answer
from tests.databases import Databases
from tests.system import ROOT, System
from tests.waiting import wait_for

NEWEST = migration_names()[-1]
NEXT = f"{int(NEWEST[:4]) + 1:04}_of_a_later_version"
ADDS = "ALTER TABLE transfers ADD COLUMN of_a_later_version text;\n"

Tree: TypeAlias = Callable[[str], Path]


@pytest.fixture
def newer_tree(tmp_path: Path) -> Tree:
    """Makes a version that has one migration more, with this text."""

    def make(migration: str) -> Path:
        for package in ("api", "core", "worker"):
            shutil.copytree(ROOT / package, tmp_path / "newer" / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tmp_path / "newer")
        (tmp_path / "newer" / f"core/admin/migrations/{NEXT}.sql").write_text(migration)
        return tmp_path / "newer"

    return make


@pytest.fixture
def newer(own_system: System, tmp_path: Path) -> Iterator[Callable[[Path], System]]:
    """Makes a system of that version on the same servers. Nothing runs yet."""
    (tmp_path / "logs-of-newer").mkdir()
    made: list[System] = []

    def make(tree: Path) -> System:
        made.append(System(tmp_path / "logs-of-newer", own_system.database_url, own_system.redis_url, tree))
        return made[-1]

    yield make
    for system in made:
        system.close()


def migrate(databases: Databases, system: System, tree: Path) -> None:
    """Migrate the system's database by the version in that tree."""
    given = {"DATABASE_URL": system.database_url, "TELLER_ADMIN_DATABASE_URL": databases.owner_url(system.database_url)}
    command = [sys.executable, "-m", "core", "migrate"]
    subprocess.run(command, cwd=tree, env={**given, "REDIS_URL": system.redis_url}, check=True, capture_output=True)


@pytest.mark.long
def test_processes_that_a_migration_serves_stay_ready_until_the_newer_version_has_taken_over(
    own_system: System, databases: Databases, newer_tree: Tree, newer: Callable[[Path], System]
) -> None:
    tree = newer_tree(f"-- Serves from: {NEWEST}\n{ADDS}")
    own_system.start_api()
    (worker,) = own_system.start_workers(1)
    caller = own_system.caller()
    wallets = [caller.new_wallet(10_000) for _ in range(8)]
    later = newer(tree)
    ready: list[Answer] = []

    def update() -> None:
        migrate(databases, own_system, tree)
        ready.append(caller.get("/readyz"))
        later.start_workers(1)
        later.start_sweeper()
        worker.terminate()
        later.start_api()
        ready.append(caller.get("/readyz"))

    before = flood.send_while(own_system.url, [flood.between(wallets, 1) for _ in range(800)], update)
    after = flood.send_all(later.url, [flood.between(wallets, 1) for _ in range(100)])

    assert [(answer.status, answer.body["checks"]["database_not_newer"]) for answer in ready] == [(200, True)] * 2
    assert {status for status, _ in (*before, *after)} == {202}
    assert later.caller().get("/readyz").status == 200
    wait_for(lambda: caller.get("/v1/transfers?status=queued&limit=1").body["data"] == [], "all to be final")
    assert sum(caller.balance(wallet) for wallet in wallets) == 8 * 10_000
    own_system.audit()


def test_processes_that_a_migration_does_not_serve_are_not_ready(
    own_system: System, databases: Databases, newer_tree: Tree
) -> None:
    own_system.start_api()

    migrate(databases, own_system, newer_tree(ADDS))

    answer = own_system.caller().get("/readyz")
    assert answer.status == 503
    assert answer.body["detail"].startswith(f"not ready: database_not_newer (this database was migrated by a newer Teller ({NEXT})")
