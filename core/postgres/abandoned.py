"""Work on a connection that took too long: it ends by itself, and its connection is closed only where the server hangs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import Context
from typing import Any

import psycopg

from core import log
from core.postgres.connections import AsyncConnection
from core.postgres.session import Session, Unfit
from core.postgres.statements import statement

__all__ = ["AbandonedWork"]

CHECK_AFTER_S = 2.0  # A guess. Above the API's statement_timeout of 1.5 s, so that most abandoned work has ended by then
CHECK_WITHIN_S = 4.0  # above connect_timeout, 3 s

logger = log.get(__name__)


class AbandonedWork:
    """The abandoned tasks of a pool, and the task that watches them.

    Abandoned work is left to end by itself. Cancelling it would close its connection (connections.py), and the server would go on
    with it in a session that no pool counts.
    """

    def __init__(
        self,
        connections: Mapping[asyncio.Task[Any], AsyncConnection],
        connect: Callable[[], Awaitable[AsyncConnection]],
        replace_idle: Callable[[], Awaitable[None]],
    ) -> None:
        """`connections`: by task, the connection that it holds now. `replace_idle` replaces the idle connections of the pool."""
        self._connections = connections
        self._connect = connect
        self._replace_idle = replace_idle
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.Task[None] | None = None

    def add(self, task: asyncio.Task[Any]) -> None:
        """Leave the task to end by itself, and watch it."""
        self._tasks.add(task)
        task.add_done_callback(self._remove)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._end_hung(), context=Context())

    async def end(self) -> None:
        """End all of it: sockets are closed, and the server completes what it has begun."""
        await end_all({self._watch} if self._watch else set())
        await end_all(self._tasks)

    def _remove(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("abandoned work failed", kind=type(error).__name__)

    async def _end_hung(self) -> None:
        """Free the connections of abandoned work where the server hangs, or is another server by now.

        A server that still has the session works for it, perhaps at a COMMIT that waits for a standby. That work keeps its
        connection, so the size of the pool bounds how many such sessions a process leaves in the server.
        """
        while self._tasks:
            await asyncio.sleep(CHECK_AFTER_S)
            late = {task: self._connections[task] for task in self._tasks if task in self._connections}
            if late and (hung := await self._hung(late)):
                logger.warning("connections closed: the server does not answer", connections=len(hung))
                await end_all(hung)
                await self._replace_idle()  # idle connections lead to the same server

    async def _hung(self, late: Mapping[asyncio.Task[Any], AsyncConnection]) -> set[asyncio.Task[Any]]:
        """Return the work whose session the server no longer has, by a new connection; all work when no connection succeeds."""
        sessions = {task: connection.session for task, connection in late.items()}
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                opened = await self._connect()
                async with opened:
                    alive = {(pid, opened.session.server_started) for pid in await backends(opened, list(sessions.values()))}
        except psycopg.OperationalError as error:
            return set() if is_answer(error) else set(late)
        except TimeoutError:
            return set(late)
        return {task for task, session in sessions.items() if (session.pid, session.server_started) not in alive}


async def backends(connection: AsyncConnection, sessions: Sequence[Session]) -> list[int]:
    """Return the process ids of those of the sessions that this connection's server has."""
    started = connection.session.server_started
    pids = [session.pid for session in sessions if session.server_started == started]
    cursor = await connection.execute(statement("session/list_backends"), {"pids": pids, "server_started": started})
    return [pid for (pid,) in await cursor.fetchall()]


def is_answer(error: psycopg.OperationalError) -> bool:
    """Return whether a server answered and refused the connection, for example without free ones, and no host timed out."""
    return isinstance(error, Unfit) or ("FATAL" in str(error) and "timeout expired" not in str(error))


async def end_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel these tasks and wait until they have ended: their sockets are closed then."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
