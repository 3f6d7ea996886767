"""Bring a database to this version's schema: forward only, safe to start twice at once, safe to kill at any moment."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import psycopg

from core import ids, keys
from core.admin import heal, locks, rights
from core.admin.locks import MIGRATION_LOCK
from core.errors import CannotDo
from core.ledger.money import CURRENCY
from core.postgres import role_settings
from core.postgres.connections import connect_command
from core.postgres.statements import literal, statement
from core.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"

# While a change of a table waits for its lock, all that comes after it waits too, however short it is.
LOCK_WITHIN_S = 10
MIGRATION_LOCK_WITHIN_S = 60  # for another migration to end


def names() -> list[str]:
    """Return the names of all migrations of this version, in order."""
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql"))


def checksums() -> dict[str, str]:
    """Return the SHA-256 of each migration's file by its name, in hexadecimal. How the file ends its lines makes no difference."""
    return {name: sha256(file_of(name).read_bytes().replace(b"\r\n", b"\n")).hexdigest() for name in names()}


def file_of(name: str) -> Path:
    return MIGRATIONS / f"{name}.sql"


def migrate(settings: Settings, *, repair: bool = False) -> str | None:
    """Apply what is missing, as the owner of the tables, mend what is damaged, and let the roles do what they must and no more.

    `repair` also reads all transfers and entries, and mends what does not follow from them. Returns the first operator key when one
    was made: none existed and none is configured. Raises CannotDo: when an applied migration was edited or a role cannot connect
    (CannotLetIn), before anything has changed; and when a lock is not free within LOCK_WITHIN_S, with the sessions that hold it.
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
    files = checksums()
    refuse_edited(connection, files)
    wanted = rights.logins(settings)
    for role in sorted(rights.roles_beside(owner_url, wanted)):
        role_settings.reset(connection, role)
    roles = rights.let_all_in(connection, owner_url, wanted)
    rights.warn_of_published_passwords(owner_url, wanted)
    apply_missing(connection, files)
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
    """Hold off every other migration of this database. Raises LockNotAvailable, as does each later wait for a table."""
    wait_at_most(connection, MIGRATION_LOCK_WITHIN_S)
    connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    wait_at_most(connection, LOCK_WITHIN_S)
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def wait_at_most(connection: psycopg.Connection, seconds: float) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds * 1000:.0f}ms"])


def refuse_edited(connection: psycopg.Connection, files: Mapping[str, str]) -> None:
    """Compare the applied migrations with their files: an edit after it would never reach this database. Raises CannotDo."""
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
    """Run each missing migration together with its record in one transaction: killed anywhere, it is there whole or not at all."""
    prepare_records(connection, files)
    applied = {name for (name,) in connection.execute(statement("admin/list_migrations"))}
    for name, checksum in files.items():
        if name not in applied:
            with connection.transaction():
                connection.execute(literal(file_of(name)))
                connection.execute(statement("admin/insert_migration"), {"name": name, "checksum": checksum})


def prepare_records(connection: psycopg.Connection, files: Mapping[str, str]) -> None:
    """Make the table of migrations, and give those that version 0.1.0 applied their checksums: from then on an edit is refused."""
    connection.execute(statement("admin/create_migrations"))
    if not has_checksums(connection):
        connection.execute(statement("admin/add_checksums"))
    connection.execute(statement("admin/fill_checksums"), {"names": list(files), "checksums": list(files.values())})


def make_shards(connection: psycopg.Connection, count: int) -> None:
    """Make the shards and their external wallets, unless there are some: their count is fixed for ever."""
    if connection.execute("SELECT FROM shards LIMIT 1").fetchone() is not None:
        return
    shards = range(count)
    connection.execute(statement("admin/insert_shards"), {"shards": list(shards)})
    connection.execute(
        statement("admin/insert_external_wallets"),
        {"ids": [ids.external_wallet(shard) for shard in shards], "currency": CURRENCY},
    )


def warn_about_shards(connection: psycopg.Connection, wanted: int) -> None:
    """Say so when the setting asks for another count than the one that the first migration fixed."""
    row = connection.execute("SELECT count(*) FROM shards").fetchone()
    assert row is not None
    if row[0] != wanted:
        print(
            f"warning: TELLER_SHARDS={wanted} is ignored: this database has {row[0]} shards, fixed by its first migration",
            file=sys.stderr,
        )
