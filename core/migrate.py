"""Bring a database to this version's schema: forward only, safe to start twice at once, safe to kill at any moment."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from core import db, ids, keys, rights, role_settings
from core.money import CURRENCY
from core.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"

# Any number that no other program uses in this database. A session's lock dies with its holder.
MIGRATION_LOCK = 7_355_608


def names() -> list[str]:
    """Return the names of all migrations of this version, in order."""
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql"))


def migrate(settings: Settings) -> str | None:
    """Apply what is missing, as the owner of the tables, and let the application's role do what it must and no more.

    Returns the first operator key when one was made: none existed and none is configured. Raises CannotLetIn, and has
    changed nothing then.
    """
    owner_url = settings.admin_database_url or settings.database_url
    with db.connect_for_command(owner_url, autocommit=True) as connection, migration_lock(connection):
        if settings.admin_database_url:
            role_settings.reset(connection, rights.credentials(settings.database_url)[0])
        role = rights.let_in(connection, settings.database_url) if settings.admin_database_url else connection.info.user
        apply_missing(connection)
        with connection.transaction():
            make_shards(connection, settings.shards)
        connection.execute(db.statement("lower_floors"))
        connection.execute(db.statement("continue_feed"))
        rights.grant(connection, role)
        if "shards" in settings.model_fields_set:
            warn_about_shards(connection, settings.shards)
        return None if settings.operator_key else keys.make_first_operator_key(connection)


@contextmanager
def migration_lock(connection: psycopg.Connection) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def apply_missing(connection: psycopg.Connection) -> None:
    """Run each missing migration together with its record in one transaction: killed anywhere, it is there whole or not at all."""
    connection.execute(db.statement("create_migrations"))
    applied = {name for (name,) in connection.execute(db.statement("list_migrations"))}
    for name in names():
        if name not in applied:
            with connection.transaction():
                connection.execute(db.literal(MIGRATIONS / f"{name}.sql"))
                connection.execute(db.statement("insert_migration"), {"name": name})


def make_shards(connection: psycopg.Connection, count: int) -> None:
    """Make the shards and their external wallets, unless there are some: their count is fixed for ever."""
    if connection.execute("SELECT FROM shards LIMIT 1").fetchone() is not None:
        return
    shards = range(count)
    connection.execute(db.statement("insert_shards"), {"shards": list(shards)})
    connection.execute(
        db.statement("insert_external_wallets"),
        {"ids": [ids.external_wallet(shard) for shard in shards], "currency": CURRENCY},
    )


def warn_about_shards(connection: psycopg.Connection, wanted: int) -> None:
    """Say so when somebody wants another count than the one that the first migration fixed."""
    row = connection.execute("SELECT count(*) FROM shards").fetchone()
    assert row is not None
    if row[0] != wanted:
        print(
            f"warning: TELLER_SHARDS={wanted} is ignored: this database has {row[0]} shards, fixed by its first migration",
            file=sys.stderr,
        )
