"""The edge to Postgres: statements from files, connections with their limits, and which errors mean "try again"."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from contextvars import Context, ContextVar
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.rows import kwargs_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core import log
from core.errors import Unavailable
from core.postgres import connections, lenient
from core.postgres.connections import AsyncConnection
from core.postgres.session import POOLED, Session, Unfit
from core.postgres.statements import SQL, literal, statement
from core.turns import OWNER, Turns

__all__ = ["SQL", "literal", "statement"]  # from here, too: every noun reads them as db.statement

Connection: TypeAlias = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")
Row = TypeVar("Row")

# A caller gets its 503 within 2 s (promise 17). Postgres gives up by itself before that, so that nothing goes on unseen.
ANSWER_WITHIN_S = 1.8
ANSWER_BY: ContextVar[float] = ContextVar("answer_by")  # monotonic seconds; each request has a context of its own
REPEAT_WITHIN_S = 0.5  # connections that are lost at once leave time to try the next one
REPEAT_EVERY_S = 0.02
CONNECTIONS = 10  # of a process of the API, at most
PROCESS_CONNECTIONS = 3  # that no caller's own work may take: for intake and lookups, which serve all callers
OWNER_CONNECTIONS = 4  # that one owner's own work may take: a list that reads for a second leaves the others theirs
OWNER_WAITING_MAX = 1000  # requests of one owner that wait for them, in a process
POOL_TIMEOUT_S = 1.0
LOOK_AFTER_S = 2.0  # after work was given up, whether its server still has its session
LOOK_WITHIN_S = 4.0  # above connect_timeout
REFUSED_FOR_S = 10.0  # after a pooler was found that lets two connections share a session
API_LIMITS = {
    "statement_timeout": "1500ms",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "2s",
    "transaction_timeout": "5s",
}

# Above each limit that a server which runs keeps by itself: only one that hangs, or a commit that waits for a standby, meets it.
ROUND_TRIP_WITHIN_S = 12.0

# Far below the job timeout of the queue: a drain ends by its own limits, never by a signal in the middle of a statement.
# An idle transaction is a frozen worker: ending it frees the wallets that it has locked.
# A worker that is frozen between two statements of one round trip is not idle to Postgres, which waits for the rest of them: hence
# the limit of a transaction, which PostgreSQL 16 does not know.
WORKER_LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "transaction_timeout": "10s",
}

# A command of an operator takes as long as it takes.
COMMAND_LIMITS = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
}

# A plan that was made while a table was nearly empty reads all of it, and is kept for the connection's life: a minute later the
# table may hold a million rows. Each statement of core/sql has a way by key, so the ways that read whole tables are closed. Where
# there is no other way, as for a table of one row, Postgres takes a closed one, and up to version 17 counts a cost for it at which
# it would compile the plan at each execution (jit).
PLANNER = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_sort": "off",
    "jit": "off",
}

# A host that is gone says nothing. Ours notices by KEEPALIVE, the server's side by PROBES: by Linux's default after two hours, in
# which each such session has one of its places.
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
PROBES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3"}

# Faults, not refusals: serialization failure and deadlock, lock not available, operator intervention (shutdown, timeouts),
# insufficient resources (disk, memory, connections), connection exceptions, read-only transaction (a standby), a transaction that
# was idle or open for too long. And all of class 42 (no such table or column, no right to it): a deployment that is not finished,
# never a transfer's fault; taken for one, it would reject the whole queue, transfer by transfer. And a prepared statement that is
# not there, or no longer fits its table (0A000: Teller asks for no feature that is not supported): another session, a migration.
TRANSIENT_STATES = ("40001", "40P01", "55P03", "57", "53", "08", "25006", "25P03", "25P04", "42", "26000", "0A000")

# This connection will not do better: its server is not the primary any more, or ends, or its session is not the one that it was.
CONNECTION_STATES = ("08", "57P", "25006", "25P03", "25P04", "26000", "42P05", "0A000")

TIME_OVER_STATES = ("57014", "25P04")  # a statement's, a transaction's

logger = log.get(__name__)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same work may succeed later. Class 08 and a lost connection leave the outcome unknown.

    Source: PostgreSQL manual, appendix A. A server without free connections gives an OperationalError without SQLSTATE.
    """
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith(TRANSIENT_STATES)


def took_too_long(error: BaseException) -> bool:
    """Tell whether the server ended a statement or a transaction because its time was over."""
    return isinstance(error, psycopg.Error) and error.sqlstate in TIME_OVER_STATES


def is_of_the_connection(error: psycopg.Error) -> bool:
    """Tell whether another connection may do what this one cannot do any more."""
    return error.sqlstate is not None and error.sqlstate.startswith(CONNECTION_STATES)


def connect(url: str) -> connections.Connection:
    """Open a worker's connection: autocommit, the worker's limits. Raises psycopg.Error, and Unfit."""
    given: dict[str, Any] = {"autocommit": True, "prepare_threshold": 1, **KEEPALIVE}
    try:
        opened = connections.connect(url, session_of(WORKER_LIMITS), within_s=ROUND_TRIP_WITHIN_S, may_read_only=True, **given)
    except Unfit as unfit:
        logger.error("the database is not fit", reason=str(unfit))  # noqa: TRY400  # the reason says it all
        raise
    if not opened.is_primary:
        logger.error("the database is not fit", reason=connections.READS_ONLY)
    return opened


def connect_for_command(url: str, *, writes: bool = True, autocommit: bool = False) -> connections.Connection:
    """Open a connection for a command of an operator, without limits. Raises psycopg.Error, and Unfit."""
    return connections.connect(url, {**COMMAND_LIMITS, **PROBES}, writes=writes, autocommit=autocommit, **KEEPALIVE)


def session_of(limits: Mapping[str, str]) -> Mapping[str, str]:
    """Return the settings of a long-lived session with these limits."""
    return {**limits, **PLANNER, **PROBES}


class Database:
    """The connections of an API, or of a deliverer. All that one request asks is answered within ANSWER_WITHIN_S of its first
    question, or raises Unavailable. A fault heals by itself.
    """

    def __init__(self, url: str, *, connections: int = CONNECTIONS, limits: Mapping[str, str] = API_LIMITS) -> None:
        self._url = url
        self._given: dict[str, Any] = {"limits": session_of(limits), "autocommit": True, "prepare_threshold": 1, **KEEPALIVE}
        self._pool = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection,
            kwargs={**self._given, "note": self._note_refusal},
            min_size=2,
            max_size=connections,
            timeout=POOL_TIMEOUT_S,
            reconnect_timeout=5.0,
            open=False,
        )
        places = max(connections - PROCESS_CONNECTIONS, 1)
        self._turns = Turns(places, min(places, OWNER_CONNECTIONS), OWNER_WAITING_MAX, POOL_TIMEOUT_S)
        self._held: dict[asyncio.Task[Any], AsyncConnection] = {}
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._refusal: str | None = None
        self._refuses_until = 0.0  # monotonic seconds

    async def open(self) -> None:
        """Start connecting. Returns at once, also when Postgres is away: a later call will find it back."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections, those with an answer outstanding too: what they have begun ends by itself."""
        await end_all({self._watch} if self._watch else set())
        await end_all(self._abandoned)
        await self._pool.close(timeout=2.0)

    @property
    def refusal(self) -> str | None:
        """Why the server that answers is not fit for Teller, in words for an operator; None when it is fit, or does not answer."""
        return self._refusal

    def use(self) -> Mapping[str, int]:
        """Return how many connections are used and free, and how much waits for one. Asks nobody."""
        stats = self._pool.get_stats()
        free = stats.get("pool_available", 0)
        return {
            "used": stats.get("pool_size", 0) - free,
            "free": free,
            "awaited": stats.get("requests_waiting", 0) + self._turns.waiting(),
        }

    async def run(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Give `work` a connection and return what it returns; raise Unavailable when that fails or takes too long.

        A caller's work, by core.turns.OWNER, has turns with that of other owners; Busy says that its owner has too much under way.

        `work` is done again when its connection is lost, so it must be safe to repeat: after a restart of Postgres each connection
        of the pool is dead, and asking each one before it is used would cost every request a round trip.

        Work that takes too long is left to end by itself, and is not cancelled: see core/postgres/connections.py. Its outcome is
        unknown. Its connection is closed where the server does not have it any more, or does not answer at all: see _end_hung.
        """
        if time.monotonic() < self._refuses_until:
            raise Unavailable("the database is not fit")
        task = asyncio.ensure_future(self._in_turn(work))
        try:
            done, _ = await asyncio.wait({task}, timeout=max(answer_by() - time.monotonic(), 0.0))
        finally:
            if not task.done():
                self._abandon(task)
        if not done:
            raise Unavailable("the database did not answer in time")
        return task.result()

    async def connect_anew(self) -> None:
        """Replace all connections: those in use when they are given back. For a name that leads to another server by now."""
        await self._pool.drain()

    async def check_session(self) -> None:
        """Find out whether a pooler lets two connections share a session; `refusal` says so then. Raises Unavailable."""
        with suppress(Unfit):
            await self.run(self._look_for_sharing)

    async def fetch(self, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> list[Row]:
        """Run the statement of that name in a transaction of its own and return its rows, each made by `row`."""
        return await self.run(lambda connection: fetch(connection, name, params, row))

    async def _in_turn(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        owner = OWNER.get()
        if not owner:
            return await self._repeat(work)
        async with self._turns.turn(owner):  # around all repeats: Busy means that nothing was asked
            return await self._repeat(work)

    async def _repeat(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
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

    async def _do(self, work: Callable[[Connection], Awaitable[Result]], connection: AsyncConnection) -> Result:
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

    async def _look_for_sharing(self, connection: Connection) -> None:
        """Through a pooler, ask two connections in turn for their session: in transaction mode both are in the one last used."""
        assert isinstance(connection, AsyncConnection)
        if not connection.session.is_pooled:
            return
        async with self._pool.connection() as other:
            for one in (connection, other):
                row = await (await one.execute(statement("session/find_backend"))).fetchone()
                if row != (one.session.pid, one.session.mark):
                    self._note_refusal(POOLED)
                    await asyncio.gather(connection.close(), other.close())
                    raise Unfit(POOLED)

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.add(task)
        task.add_done_callback(self._forget)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._end_hung(), context=Context())

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("abandoned work failed", kind=type(error).__name__)

    async def _end_hung(self) -> None:
        """Give the places of abandoned work back where the server hangs, or is another one by now.

        A server that still has the session is at work for it, maybe at a COMMIT that waits for a standby: that one keeps its place,
        which bounds how many such sessions a process leaves in the server.
        """
        while self._abandoned:
            await asyncio.sleep(LOOK_AFTER_S)
            late = {task: self._held[task] for task in self._abandoned if task in self._held}
            if late and (hung := await self._hung(late)):
                logger.warning("connections closed: the server does not answer", connections=len(hung))
                await end_all(hung)
                await self._pool.drain()  # those that wait in the pool lead to the same server

    async def _hung(self, late: Mapping[asyncio.Task[Any], AsyncConnection]) -> set[asyncio.Task[Any]]:
        """Return the work that has lost its session, as a new connection to the server shows; all of it when there is none."""
        sessions = {task: connection.session for task, connection in late.items()}
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                asked = await AsyncConnection.connect(self._url, note=self._note_refusal, **self._given)
                async with asked:
                    alive = {(pid, asked.session.server_started) for pid in await backends(asked, list(sessions.values()))}
        except psycopg.OperationalError as error:
            return set() if is_answer(error) else set(late)
        except TimeoutError:
            return set(late)
        return {task for task, session in sessions.items() if (session.pid, session.server_started) not in alive}

    def _note_refusal(self, refusal: str | None) -> None:
        if refusal == POOLED:
            self._refuses_until = time.monotonic() + REFUSED_FOR_S
        elif time.monotonic() < self._refuses_until:
            return  # a session that no other connection has been in says nothing about the next one
        if refusal and refusal != self._refusal:
            logger.error("the database is not fit", reason=refusal)
        self._refusal = refusal


async def backends(connection: AsyncConnection, sessions: Sequence[Session]) -> list[int]:
    """Return the process ids of those of the sessions that this connection's server has."""
    started = connection.session.server_started
    pids = [session.pid for session in sessions if session.server_started == started]
    cursor = await connection.execute(statement("session/list_backends"), {"pids": pids, "server_started": started})
    return [pid for (pid,) in await cursor.fetchall()]


def is_answer(error: psycopg.OperationalError) -> bool:
    """Tell whether a server that answers has refused a connection, as for want of free ones, and no host has kept silent."""
    return isinstance(error, Unfit) or ("FATAL" in str(error) and "timeout expired" not in str(error))


async def end_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel these and wait until they have ended: their sockets are closed then."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def start_clock() -> None:
    """Start the clock anew: for a task that serves many requests, whose own clocks go on."""
    ANSWER_BY.set(time.monotonic() + ANSWER_WITHIN_S)


def answer_by() -> float:
    """Return until when (monotonic seconds) the current request may wait. Its clock starts at its first question."""
    if ANSWER_BY.get(None) is None:
        start_clock()
    return ANSWER_BY.get()


async def fetch(connection: Connection, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> list[Row]:
    """Run one statement on this connection and return its rows, each made by `row` of the columns' names and values."""
    async with connection.cursor(binary=True, row_factory=kwargs_row(row)) as cursor:
        await cursor.execute(statement(name), params)
        try:
            return await cursor.fetchall()
        except psycopg.DataError:
            return lenient.rows(cursor)


async def fence(connection: Connection) -> None:
    """Wait until all that this connection has seen is as durable as a commit of its own: on each synchronous standby, too.

    An answer that says "it is there already" comes after it. A row can be visible before it is there: Postgres ends the wait of the
    transaction that wrote it when that is cancelled, or when the server is started again.
    """
    await connection.execute(statement("session/fence"))
