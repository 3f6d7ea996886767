"""Migrates a database to this version's schema: forward only. Safe to start twice at once, and to kill at any time."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import psycopg

from core import ids, keys
from core.admin import heal, locks, rights
from core.admin.locks import MIGRATION_LOCK
from core.currencies import CURRENCIES, USD
from core.errors import CannotDo
from core.postgres import role_settings
from core.postgres.connections import connect_command
from core.postgres.statements import literal, statement
from core.settings import Settings
from core.version import VERSION

MIGRATIONS = Path(__file__).parent / "migrations"
SERVES_FROM = re.compile(r"-- Serves from: (\w+)\n")

# A guess. While ALTER TABLE waits for its lock, each later statement on the table waits behind it.
LOCK_WITHIN_S = 10
MIGRATION_LOCK_WITHIN_S = 60  # A guess. For another migration to end.


def migration_names() -> list[str]:
    """Return the names of all migrations of this version, in order."""
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql"))


def checksums() -> dict[str, str]:
    """Return the SHA-256 of each migration's file by its name, in hexadecimal. LF and CRLF give the same one."""
    return {name: sha256(file_of(name).read_bytes().replace(b"\r\n", b"\n")).hexdigest() for name in migration_names()}


def file_of(name: str) -> Path:
    return MIGRATIONS / f"{name}.sql"


def migrate(settings: Settings, *, repair: bool = False) -> str | None:
    """Apply the missing migrations as the owner of the tables, repair damage, and grant the roles their rights.

    `repair` also derives the queue and the balances from all transfers and entries. Returns the first operator key if it made one:
    if none exists and none is configured. Raises CannotDo before any change if a newer version has migrated the database, an
    applied migration was edited, or a role cannot connect (SetupError). Raises CannotDo, with the sessions that hold it, for a lock
    that is not free within LOCK_WITHIN_S.
    """
    owner_url = settings.admin_database_url or settings.database_url
    with connect_command(owner_url, autocommit=True) as connection:
        try:
            with migration_lock(connection):
                return bring_up_to_date(connection, owner_url, settings, repair=repair)
        except psycopg.errors.LockNotAvailable:
            raise CannotDo(f"a lock is held that the migration waits for: {locks.holders(connection, locks.CHANGING)}") from None
        except (psycopg.errors.DataError, psycopg.errors.IntegrityError) as error:
            raise CannotDo(f"the database holds what no process of Teller writes ({error.diag.message_primary})") from error


def bring_up_to_date(connection: psycopg.Connection, owner_url: str, settings: Settings, *, repair: bool) -> str | None:
    """Do the work of `migrate`, under its lock.

    A newer database, edited files and unusable roles are found first; rights come after all tables.
    """
    files = checksums()
    refuse_newer(connection)
    refuse_edited(connection, files)
    wanted = rights.logins(settings)
    for role in sorted(rights.roles_beside(owner_url, wanted)):
        role_settings.reset(connection, role)
    roles = rights.ensure_roles(connection, owner_url, wanted)
    rights.warn_of_published_passwords(owner_url, wanted)
    apply_missing(connection, files)
    store_currencies(connection)
    heal.heal(connection)
    with connection.transaction():
        make_shards(connection, settings.shards)
    if repair:
        heal.repair(connection)
    rights.grant(connection, roles)
    if "shards" in settings.model_fields_set:
        warn_about_shards(connection, settings.shards)
    return None if settings.operator_key else keys.make_first_operator_key(connection)


@contextmanager
def migration_lock(connection: psycopg.Connection) -> Iterator[None]:
    """Hold the lock against other migrations of this database. Raises LockNotAvailable, as does each later wait for a table."""
    wait_at_most(connection, MIGRATION_LOCK_WITHIN_S)
    connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    wait_at_most(connection, LOCK_WITHIN_S)
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def wait_at_most(connection: psycopg.Connection, seconds: float) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds * 1000:.0f}ms"])


def serves_from(name: str) -> str | None:
    """Return the first migration that processes must know, all before it too, to go on beside this one; None: this one itself."""
    found = SERVES_FROM.match(file_of(name).read_text())
    return found[1] if found and found[1] != "none" else None


def too_new(applied: Mapping[str, str | None]) -> str | None:
    """Say that a newer version has migrated the database so that this one may not go on beside it, and what to do; None if it may.

    `applied` has the database's migrations, each with what it serves from.
    """
    known = migration_names()
    return newer(name for name, first in applied.items() if name not in known and (first is None or first > known[-1]))


def newer(applied: Iterable[str]) -> str | None:
    """Say that a newer version has migrated the database, and how to go on; None if none has. `applied` are its migrations."""
    unknown = sorted(set(applied).difference(migration_names()))
    if not unknown:
        return None
    return (
        f"this database was migrated by a newer Teller ({', '.join(unknown)}); this is {VERSION}: start the newer version,"
        " or restore a backup"
    )


def refuse_newer(connection: psycopg.Connection) -> None:
    """Raise CannotDo if a newer version has migrated the database: the rights of this version would be too few for it."""
    if reason := newer(applied_migrations(connection)):
        raise CannotDo(f"{reason}. Nothing was changed.")


def applied_migrations(connection: psycopg.Connection) -> dict[str, str | None]:
    """Return the migrations of the database, each with what it serves from; none before its first one."""
    if connection.execute("SELECT to_regclass('migrations')").fetchone() == (None,):
        return {}
    return dict(connection.execute(statement("admin/list_migrations")))


def refuse_edited(connection: psycopg.Connection, files: Mapping[str, str]) -> None:
    """Raise CannotDo if the file of an applied migration was edited: the edit would never reach this database."""
    if not has_checksums(connection):
        return
    recorded = connection.execute(statement("admin/list_checksums")).fetchall()
    edited = [(name, checksum) for name, checksum in recorded if files.get(name, checksum) != checksum]
    if edited:
        files_of = [f"  {name}.sql: applied with SHA-256 {checksum}, the file has {files[name]}" for name, checksum in edited]
        lines = ["a migration was edited after this database applied it:", *files_of, "Nothing was changed. Restore the file."]
        raise CannotDo("\n".join(lines))


def has_checksums(connection: psycopg.Connection) -> bool:
    return connection.execute(statement("admin/find_checksums")).fetchone() is not None


def apply_missing(connection: psycopg.Connection, files: Mapping[str, str]) -> None:
    """Run each missing migration and insert its record in one transaction. After a crash either both are there or none."""
    prepare_records(connection, files)
    applied = applied_migrations(connection)
    for name, checksum in files.items():
        if name not in applied:
            with connection.transaction():
                connection.execute(literal(file_of(name)))
                connection.execute(statement("admin/insert_migration"), {"name": name, "checksum": checksum})
                if first := serves_from(name):
                    connection.execute(statement("admin/set_serves_from"), {"name": name, "serves_from": first})


def prepare_records(connection: psycopg.Connection, files: Mapping[str, str]) -> None:
    """Create the table of migrations, and record the checksums of those that version 0.1.0 applied without one."""
    connection.execute(statement("admin/create_migrations"))
    if not has_checksums(connection):
        connection.execute(statement("admin/add_checksums"))
    connection.execute(statement("admin/fill_checksums"), {"names": list(files), "checksums": list(files.values())})


def store_currencies(connection: psycopg.Connection) -> None:
    """Add the currencies that the table lacks. None is changed or deleted: there may be wallets of it."""
    codes, numbers, minor_units = zip(*CURRENCIES.values(), strict=True)
    columns = {"codes": list(codes), "numbers": list(numbers), "minor_units": list(minor_units)}
    connection.execute(statement("admin/insert_currencies"), columns)


def make_shards(connection: psycopg.Connection, count: int) -> None:
    """Insert the shards and their external wallets of USD, unless there are some: their number never changes."""
    if connection.execute("SELECT FROM shards LIMIT 1").fetchone() is not None:
        return
    shards = range(count)
    connection.execute(statement("admin/insert_shards"), {"shards": list(shards)})
    connection.execute(
        statement("admin/insert_external_wallets"),
        {"ids": [ids.external_wallet(shard) for shard in shards], "currency": USD},
    )


def warn_about_shards(connection: psycopg.Connection, wanted: int) -> None:
    """Print a warning if TELLER_SHARDS differs from the number of shards that the first migration fixed."""
    row = connection.execute("SELECT count(*) FROM shards").fetchone()
    assert row is not None
    if row[0] != wanted:
        print(
            f"warning: TELLER_SHARDS={wanted} is ignored: this database has {row[0]} shards, fixed by its first migration",
            file=sys.stderr,
        )
