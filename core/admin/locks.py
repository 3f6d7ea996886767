"""The sessions that hold the locks which a command of `python -m core` waits for, in words."""

from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from core.postgres.statements import statement
from core.times import rfc3339

# Any number that no other program uses in this database. A session's lock dies with its holder.
MIGRATION_LOCK = 7_355_608

SHOWN = 3  # holders named
READING = ["AccessExclusiveLock"]  # all that a SELECT waits for
CHANGING = [  # what a change of a table waits for
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock"),
    *("ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
]


class Holder(NamedTuple):
    """A session that holds a lock. Postgres shows `since` and `verb` only of sessions that the asking role may look into."""

    pid: int
    role: str | None
    mode: str
    held: str
    since: datetime | None
    verb: str | None

    def words(self) -> str:
        since = f" since {rfc3339(self.since.astimezone(UTC))}" if self.since else ""
        doing = f", last statement {self.verb}" if self.verb else ""
        return f"process {self.pid} of the role {self.role} holds {self.mode} on {self.held}{since}{doing}"


def holders(connection: psycopg.Connection, modes: list[str]) -> str:
    """Name the sessions that hold locks of these modes. The connection must be outside of a transaction that failed."""
    params = {"migration": MIGRATION_LOCK, "modes": modes, "limit": SHOWN}
    with connection.cursor(row_factory=class_row(Holder)) as cursor:
        found = cursor.execute(statement("admin/list_lock_holders"), params).fetchall()
    return "; ".join(holder.words() for holder in found) or "its holder has let it go since: try again"
