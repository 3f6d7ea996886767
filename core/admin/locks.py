"""Describes the sessions whose locks a command of `python -m core` waits for."""

from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from core.postgres.statements import statement
from core.times import rfc3339

# An arbitrary number; no other program may use it in this database. Postgres releases the lock when the session ends.
MIGRATION_LOCK = 7_355_608

SHOWN = 3  # sessions described
READING = ["AccessExclusiveLock"]  # the only lock that a SELECT waits for
CHANGING = [  # the locks that ALTER TABLE waits for
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock"),
    *("ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
]


class Holder(NamedTuple):
    """A session that holds a lock. Postgres shows `since` and `verb` only of sessions that this role may inspect."""

    pid: int
    role: str | None
    mode: str
    held: str
    since: datetime | None
    verb: str | None

    def description(self) -> str:
        since = f" since {rfc3339(self.since.astimezone(UTC))}" if self.since else ""
        doing = f", last statement {self.verb}" if self.verb else ""
        return f"process {self.pid} of the role {self.role} holds {self.mode} on {self.held}{since}{doing}"


def holders(connection: psycopg.Connection, modes: list[str]) -> str:
    """Describe the sessions that hold locks of these modes. The connection must not be in a failed transaction."""
    params = {"migration": MIGRATION_LOCK, "modes": modes, "limit": SHOWN}
    with connection.cursor(row_factory=class_row(Holder)) as cursor:
        rows = cursor.execute(statement("admin/list_lock_holders"), params).fetchall()
    return "; ".join(holder.description() for holder in rows) or "its holder has released it since: try again"
