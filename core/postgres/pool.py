"""The pool of asynchronous connections of an API or a deliverer: fair between owners, bounded in time, and repaired by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core import log
from core.errors import Unavailable
from core.postgres import deadline, queries
from core.postgres.abandoned import AbandonedWork
from core.postgres.connections import AsyncConnection
from core.postgres.faults import is_of_the_connection, is_transient
from core.postgres.limits import API_LIMITS, KEEPALIVE, session_of
from core.postgres.session import POOLED, Unfit
from core.postgres.startup import application_name
from core.postgres.statements import statement
from core.turns import OWNER, Turns

__all__ = ["CONNECTIONS", "OWNER_CONNECTIONS", "POOL_TIMEOUT_S", "PROCESS_CONNECTIONS", "Database"]

Result = TypeVar("Result")
Row = TypeVar("Row")

REPEAT_WITHIN_S = 0.5  # of the request's 1.8 s: the last repeat still has 1.3 s
REPEAT_EVERY_S = 0.02  # A guess. Connections of a restarted server fail at once, so 10 dead ones cost 0.2 s
CONNECTIONS = 10  # at most, of a process of the API
PROCESS_CONNECTIONS = 3  # that requests of owners leave free: for intake and lookups, which serve all callers
OWNER_CONNECTIONS = 4  # at most, of one owner: a list that reads for a second leaves 3 of the 7 to other owners
OWNER_WAITING_MAX = 1000  # A guess. Requests of one owner that wait for a connection, in a process
POOL_TIMEOUT_S = 1.0  # below the deadline of a request, 1.8 s: the refusal then names the pool and not the database
REFUSED_FOR_S = 10.0  # A guess. After a pooler was detected that lets two connections share a session

logger = log.get(__name__)


class Database:
    """The pool of a process. All questions of one request are answered within ANSWER_WITHIN_S of the first one,
    or raise Unavailable. After a fault the pool reconnects by itself.
    """

    def __init__(
        self, url: str, *, connections: int = CONNECTIONS, limits: Mapping[str, str] = API_LIMITS, kind: str = "api"
    ) -> None:
        options: dict[str, Any] = {
            "limits": session_of(limits),
            "on_refusal": self._on_refusal,
            "autocommit": True,
            "prepare_threshold": 1,
            "application_name": application_name(kind),
            **KEEPALIVE,
        }
        self._pool = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection,
            kwargs=options,
            min_size=2,
            max_size=connections,
            timeout=POOL_TIMEOUT_S,
            reconnect_timeout=5.0,
            open=False,
        )
        places = max(connections - PROCESS_CONNECTIONS, 1)
        self._turns = Turns(places, min(places, OWNER_CONNECTIONS), OWNER_WAITING_MAX, POOL_TIMEOUT_S)
        self._held: dict[asyncio.Task[Any], AsyncConnection] = {}
        self._abandoned = AbandonedWork(self._held, lambda: AsyncConnection.connect(url, **options), self._pool.drain)
        self._refusal: str | None = None
        self._refuses_until = 0.0  # monotonic seconds

    async def open(self) -> None:
        """Start connecting. Returns at once, also while PostgreSQL is down: the pool connects later by itself."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections, also those that wait for an answer: the server completes what it has begun."""
        await self._abandoned.end()
        await self._pool.close(timeout=2.0)

    @property
    def refusal(self) -> str | None:
        """Why the server that answers is not fit for Teller, in words for an operator; None when it is fit, or does not answer."""
        return self._refusal

    def use(self) -> Mapping[str, int]:
        """Return how many connections are used and free, and how many requests wait for one. Sends nothing to the server."""
        stats = self._pool.get_stats()
        free = stats.get("pool_available", 0)
        return {
            "used": stats.get("pool_size", 0) - free,
            "free": free,
            "awaited": stats.get("requests_waiting", 0) + self._turns.waiting(),
        }

    async def run(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Call `work` with a connection and return its result. Raises Unavailable when it fails, or reaches the request's deadline.

        The owner of the request (core.turns.OWNER) has turns with other owners. Raises Busy when too many of its requests wait.

        `work` is repeated when its connection is lost, so it must be safe to repeat: after a restart of PostgreSQL each connection
        of the pool is dead, and testing each connection before use would cost every request a round trip.

        Work that takes too long is not cancelled (see connections.py); its outcome is unknown. AbandonedWork closes its connection
        only when the server no longer has the session, or does not answer.
        """
        if time.monotonic() < self._refuses_until:
            raise Unavailable("the database is not fit")
        task = asyncio.ensure_future(self._in_turn(work))
        try:
            done, _ = await asyncio.wait({task}, timeout=deadline.left_s())
        finally:
            if not task.done():
                self._abandoned.add(task)
        if not done:
            raise Unavailable("the database did not answer in time")
        return task.result()

    async def connect_anew(self) -> None:
        """Replace all connections; one that is in use, when it is returned. For a host name that now resolves to another server."""
        await self._pool.drain()

    async def check_session(self) -> None:
        """Detect a pooler that lets two connections share a session, and set `refusal` then. Raises Unavailable."""
        with suppress(Unfit):
            await self.run(self._check_sharing)

    async def fetch(self, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> list[Row]:
        """Run the statement of that name in a transaction of its own and return its rows, each made by `row`. Raises as `run`."""
        return await self.run(lambda connection: queries.fetch(connection, name, params, row))

    async def fetch_one(self, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> Row | None:
        """As fetch, for the first row; None when there is none."""
        rows = await self.fetch(name, params, row)
        return rows[0] if rows else None

    async def _in_turn(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        owner = OWNER.get()
        if not owner:
            return await self._repeat(work)
        async with self._turns.turn(owner):  # around all repeats: Busy means that nothing was sent
            return await self._repeat(work)

    async def _repeat(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Call `work` again after a fault that passes with time, while REPEAT_WITHIN_S lasts. Then raises Unavailable."""
        give_up = time.monotonic() + REPEAT_WITHIN_S
        while True:
            try:
                async with self._pool.connection() as connection:
                    return await self._do(work, connection)
            except PoolTimeout:
                raise Unavailable("no database connection is free") from None
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                logger.warning("database fault", sqlstate=error.sqlstate, kind=type(error).__name__)
                if time.monotonic() > give_up:
                    raise Unavailable("the database is not available") from error
            await asyncio.sleep(REPEAT_EVERY_S)

    async def _do(self, work: Callable[[AsyncConnection], Awaitable[Result]], connection: AsyncConnection) -> Result:
        task = asyncio.current_task()
        assert task is not None
        self._held[task] = connection
        try:
            return await work(connection)
        except psycopg.Error as error:
            if is_of_the_connection(error):
                await connection.close()  # the pool opens another instead
            raise
        finally:
            del self._held[task]

    async def _check_sharing(self, connection: AsyncConnection) -> None:
        """Through a pooler, ask two connections in turn for their session: in transaction mode both are in the one last used."""
        if not connection.session.is_pooled:
            return
        async with self._pool.connection() as other:
            for one in (connection, other):
                row = await (await one.execute(statement("session/find_backend"))).fetchone()
                if row != (one.session.pid, one.session.mark):
                    self._on_refusal(POOLED)
                    await asyncio.gather(connection.close(), other.close())
                    raise Unfit(POOLED)

    def _on_refusal(self, refusal: str | None) -> None:
        if refusal == POOLED:
            self._refuses_until = time.monotonic() + REFUSED_FOR_S
        elif time.monotonic() < self._refuses_until:
            return  # a session that no other connection has shared proves nothing about the next one
        if refusal and refusal != self._refusal:
            logger.error("the database is not fit", reason=refusal)
        self._refusal = refusal
