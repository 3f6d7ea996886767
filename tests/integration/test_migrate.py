"""Migrations: from nothing, again, at once, and after a kill in the middle."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import ids, keys
from core.admin.migrate import MIGRATIONS, migrate, migration_names
from core.settings import Settings
from core.version import VERSION
from tests import commands
from tests.caller import OPERATOR_KEY
from tests.databases import Databases
from tests.system import ROOT
from tests.waiting import wait_for
from tests.world import World


@pytest.fixture
def empty(databases: Databases) -> World:
    url = databases.empty()
    return World(url, databases.owner_url(url))


def settings(world: World, **changes: Any) -> Settings:
    return Settings.model_validate({**environment(world), **changes})


def environment(world: World) -> dict[str, str]:
    return {"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": world.owner_url, "TELLER_OPERATOR_KEY": OPERATOR_KEY}


def assert_migrated(world: World, shards: int = 16) -> None:
    assert world.query("SELECT name FROM migrations ORDER BY name") == [(name,) for name in migration_names()]
    assert world.query("SELECT shard FROM shards ORDER BY shard") == [(shard,) for shard in range(shards)]
    assert world.query("SELECT id, kind, balance, version FROM wallets ORDER BY id") == [
        (ids.external_wallet(shard), "external", 0, 0) for shard in range(shards)
    ]


def test_an_empty_database_gets_the_whole_schema_its_shards_and_their_wallets(empty: World) -> None:
    assert migrate(settings(empty)) is None

    assert_migrated(empty)


def test_migrating_again_changes_nothing(empty: World) -> None:
    migrate(settings(empty))
    before = empty.query("SELECT * FROM migrations")

    migrate(settings(empty))

    assert_migrated(empty)
    assert empty.query("SELECT * FROM migrations") == before


def checksum_of(content: bytes) -> str:
    return sha256(content).hexdigest()


FIRST = "0001_ledger"
CHECKSUMS = [(name, checksum_of((MIGRATIONS / f"{name}.sql").read_bytes())) for name in migration_names()]


def recorded(world: World) -> list[Any]:
    return world.query("SELECT name, checksum FROM migrations ORDER BY name")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another copy of the code, whose files a test may edit."""
    shutil.copytree(ROOT / "core", tmp_path / "core", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def migrate_from(checkout: Path, world: World) -> subprocess.CompletedProcess[str]:
    argv, given = [sys.executable, "-m", "core", "migrate"], {**os.environ, **environment(world)}
    return subprocess.run(argv, cwd=checkout, env=given, capture_output=True, text=True, check=False)


def migration_in(checkout: Path, name: str) -> Path:
    return checkout / "core" / "admin" / "migrations" / f"{name}.sql"


def test_each_migration_is_recorded_with_the_checksum_of_its_file(empty: World) -> None:
    migrate(settings(empty))

    assert recorded(empty) == CHECKSUMS


def test_a_migration_that_was_edited_after_it_was_applied_is_refused_and_nothing_is_changed(empty: World, checkout: Path) -> None:
    migrate(settings(empty))
    [first, last] = [migration_in(checkout, name) for name in (migration_names()[0], migration_names()[-1])]
    for file in (first, last):
        file.write_bytes(file.read_bytes() + b"-- edited\n")
    migration_in(checkout, "9999_later").write_text("CREATE TABLE later ()")
    empty.query("DELETE FROM feed")  # what a migration that goes on would mend

    refused = migrate_from(checkout, empty)

    checksums = dict(CHECKSUMS)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "teller: a migration was edited after this database applied it:",
        *(
            f"  {file.name}: applied with SHA-256 {checksums[file.stem]}, the file has {checksum_of(file.read_bytes())}"
            for file in (first, last)
        ),
        "Nothing was changed. Restore the file.",
    ]
    assert recorded(empty) == CHECKSUMS
    assert empty.query("SELECT to_regclass('later') IS NULL, count(*) FROM feed") == [(True, 0)]
    shutil.copytree(MIGRATIONS, checkout / "core" / "admin" / "migrations", dirs_exist_ok=True)
    assert migrate_from(checkout, empty).returncode == 0
    assert empty.query("SELECT to_regclass('later') IS NOT NULL, count(*) FROM feed") == [(True, 1)]


def test_a_database_of_a_newer_version_is_refused_at_once_and_nothing_is_changed(empty: World) -> None:
    migrate(settings(empty))
    empty.query("INSERT INTO migrations (name) VALUES ('9998_future'), ('9999_far')")
    empty.query("DELETE FROM feed")  # what a migration that goes on would mend
    newer = f"this database was migrated by a newer Teller (9998_future, 9999_far); this is {VERSION}"

    refused = commands.core("migrate", environment=environment(empty))

    assert refused.status == 2
    assert refused.err == f"teller: {newer}: start the newer version, or restore a backup. Nothing was changed.\n"
    assert empty.query("SELECT count(*) FROM feed") == [(0,)]


def test_how_a_checkout_ends_its_lines_makes_no_difference(empty: World, checkout: Path) -> None:
    for name in migration_names():
        file = migration_in(checkout, name)
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert migrate_from(checkout, empty).returncode == 0

    assert recorded(empty) == CHECKSUMS
    assert commands.core("migrate", environment=environment(empty)).status == 0


def test_a_database_that_an_earlier_version_migrated_gets_its_checksums(empty: World) -> None:
    migrate(settings(empty))
    empty.query("ALTER TABLE migrations DROP COLUMN checksum")

    migrate(settings(empty))

    assert recorded(empty) == CHECKSUMS


def test_a_migration_that_an_earlier_version_applied_since_gets_its_checksum(empty: World) -> None:
    migrate(settings(empty))
    empty.query("DELETE FROM migrations WHERE name = %s", FIRST)
    empty.query("INSERT INTO migrations (name) VALUES (%s)", FIRST)  # as version 0.1.0 does

    migrate(settings(empty))

    assert recorded(empty) == CHECKSUMS


def test_migrating_again_waits_for_no_reader_of_the_migrations(empty: World) -> None:
    migrate(settings(empty))

    with psycopg.connect(empty.owner_url) as dump:
        dump.execute("LOCK TABLE migrations IN ACCESS SHARE MODE")
        migrate(settings(empty))
        assert dump.execute("SELECT count(*) FROM migrations").fetchone() == (len(migration_names()),)


def test_several_at_once_do_the_work_once(empty: World) -> None:
    unconfigured = settings(empty, TELLER_OPERATOR_KEY=None)

    with ThreadPoolExecutor(4) as threads:
        printed = [done.result(30) for done in [threads.submit(migrate, unconfigured) for _ in range(4)]]

    assert_migrated(empty)
    assert len([key for key in printed if key]) == 1
    assert empty.query("SELECT count(*) FROM keys") == [(1,)]


@pytest.mark.parametrize("shards", [1, 64])
def test_the_first_migration_fixes_how_many_shards_there_are(empty: World, shards: int) -> None:
    migrate(settings(empty, TELLER_SHARDS=shards))

    migrate(settings(empty, TELLER_SHARDS=4))

    assert_migrated(empty, shards)


def test_another_count_of_shards_is_warned_about_and_an_unset_one_is_not(empty: World, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(settings(empty, TELLER_SHARDS=4))
    migrate(settings(empty, TELLER_SHARDS=4))
    migrate(settings(empty))
    assert "TELLER_SHARDS" not in capsys.readouterr().err

    migrate(settings(empty, TELLER_SHARDS=8))

    said = capsys.readouterr().err
    assert said.endswith("warning: TELLER_SHARDS=8 is ignored: this database has 4 shards, fixed by its first migration\n")


@pytest.mark.parametrize("command", ["migrate", "audit"])
def test_a_database_that_is_away_is_one_line_without_its_address(command: str) -> None:
    done = run_core(command, "postgresql://teller:secret@127.0.0.1:1/teller")

    assert done.status == 2
    assert done.err == "teller: the database that DATABASE_URL names is away, or refuses the connection\n"


def test_a_malformed_database_url_is_not_repeated() -> None:
    done = run_core("audit", "postgresql://teller:se%zzcret@127.0.0.1/teller")

    assert done.status == 2
    assert "DATABASE_URL: Value error, has a '%' without two hexadecimal digits behind it" in done.err
    assert "zz" not in done.err


def test_the_audit_of_a_database_without_tables_is_not_called_damage(empty: World) -> None:
    done = run_core("audit", empty.url)

    assert done.status == 2
    assert done.err == "teller: the database is not migrated: run python -m core migrate first\n"


def test_bad_settings_are_not_taken_for_damage() -> None:
    done = run_core("audit", "mysql://secret")

    assert done.status == 2
    assert done.err.startswith("teller: these settings are not valid:\n  DATABASE_URL: ")


def run_core(command: str, url: str) -> commands.Done:
    return commands.core(command, environment={"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": ""})


def test_the_first_operator_key_is_made_once_and_kept_as_its_digest_alone(empty: World) -> None:
    unconfigured = settings(empty, TELLER_OPERATOR_KEY=None)

    key = migrate(unconfigured)
    again = migrate(unconfigured)

    assert key is not None
    assert again is None
    assert empty.query("SELECT role, client_id, digest FROM keys") == [("operator", None, keys.digest(key))]


def test_no_operator_key_is_made_where_one_is_configured(empty: World) -> None:
    assert migrate(settings(empty)) is None

    assert empty.query("SELECT count(*) FROM keys") == [(0,)]


def test_another_operator_key_is_made_when_all_are_revoked(empty: World) -> None:
    unconfigured = settings(empty, TELLER_OPERATOR_KEY=None)
    first = migrate(unconfigured)
    empty.query("UPDATE keys SET revoked_at = now()")

    second = migrate(unconfigured)

    assert second is not None
    assert second != first


def test_a_migration_that_is_killed_in_the_middle_is_undone_and_then_done_again(empty: World) -> None:
    with psycopg.connect(empty.owner_url) as blocker:
        blocker.execute("CREATE TABLE keys ()")  # holds the name, uncommitted: the migration gets as far as its own
        migration = start_migration(empty)
        [backend] = empty.wait_until_blocked()
        migration.send_signal(signal.SIGKILL)
        assert migration.wait(10) == -signal.SIGKILL
        blocker.rollback()
    wait_for(lambda: not empty.query("SELECT FROM pg_stat_activity WHERE pid = %s", backend), "the backend of the dead one to end")

    assert empty.query("SELECT to_regclass('wallets') IS NULL, to_regclass('migrations') IS NOT NULL") == [(True, True)]
    assert empty.query("SELECT count(*) FROM migrations") == [(0,)]
    second = start_migration(empty)
    assert second.wait(30) == 0
    assert_migrated(empty)


def start_migration(world: World) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "core", "migrate"],
        cwd=ROOT,
        env={**os.environ, **environment(world)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
