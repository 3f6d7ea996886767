"""Whether traffic may be sent to this process: whether its database makes each 202 durable, and no answer out of date."""

import asyncio
import time
from dataclasses import dataclass

import psycopg

from core.admin.migrate import migration_names, too_new
from core.errors import Unavailable
from core.postgres import deadline
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence

STANDBY = "the server that DATABASE_URL leads to is a standby"

FRESH_S = 1.0  # /readyz needs no key. However many ask, one commit a second is sent, and connections are renewed once a second


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What the database must be for the API to promise durability with a 202."""

    standby: bool
    writable: bool
    durable: bool
    has_migrations: bool


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A row of admin/list_migrations."""

    name: str
    serves_from: str | None


class Readiness:
    """The checks of one process. Each asks the database anew, but a commit that was answered counts for FRESH_S."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._committed_at = float("-inf")  # monotonic seconds
        self._renewed_at = float("-inf")
        self._trial: asyncio.Future[bool] | None = None
        self._unanswered = 0  # commits that were sent and not answered. A trial may end before: after its deadline

    async def check(self) -> tuple[dict[str, bool], str | None]:
        """Return the checks by name, and the reason of a failed one when its name does not say enough.

        A check that makes no sense after the failure of another one is left out.
        """
        database = self._database
        try:
            await database.check_session()
            [state] = await database.fetch("session/check", {}, DatabaseState)
            applied = await database.fetch("admin/list_migrations", {}, AppliedMigration) if state.has_migrations else []
        except Unavailable:
            if database.refusal:
                return {"database_answers": True, "database_session": False}, database.refusal
            return {"database_answers": False}, None
        if not state.writable:
            # After a failover the host's name leads to another server, and these connections lead to the old one. A write that
            # fails would reconnect too, but none arrives while the API is not ready.
            await self._connect_anew()
        done = {migration.name: migration.serves_from for migration in applied}
        reason = too_new(done)
        checks = {
            "database_answers": True,
            "database_writable": state.writable,
            "database_durable": state.durable,
            "database_migrated": done.keys() >= set(migration_names()),
            "database_not_newer": reason is None,
        }
        if all(checks.values()):
            checks["database_commits"] = await self._commits()
        return checks, STANDBY if state.standby else reason

    async def _commits(self) -> bool:
        """Return whether a commit is answered, by each synchronous standby too.

        An old primary whose standbys have left it for a new one answers reads, out of date, and no commit. While a commit waits
        there, no other one is sent: each would keep a connection that requests need.
        """
        if time.monotonic() - self._committed_at < FRESH_S:
            return True
        trial = self._trial
        if trial is None or trial.done():
            if self._unanswered:
                return False
            trial = self._trial = asyncio.ensure_future(self._try_commit())
        done, _ = await asyncio.wait({trial}, timeout=deadline.left_s())
        return bool(done) and trial.result()

    async def _try_commit(self) -> bool:
        deadline.start()  # its own: the request that began it may have used up most of its time, and others wait for it too
        try:
            await self._database.run(self._commit)
        except (Unavailable, psycopg.Error):
            return False
        return True

    async def _commit(self, connection: AsyncConnection) -> None:
        self._unanswered += 1
        try:
            await fence(connection)
            self._committed_at = time.monotonic()
        finally:
            self._unanswered -= 1

    async def _connect_anew(self) -> None:
        if time.monotonic() - self._renewed_at > FRESH_S:
            self._renewed_at = time.monotonic()
            await self._database.connect_anew()
