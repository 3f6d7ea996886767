"""The edge to Postgres: statements from files, connections with their limits, and which errors mean "try again"."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, TypeAlias, TypeVar, cast

import psycopg
from psycopg.rows import kwargs_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core import log
from core.errors import Unavailable
from core.turns import OWNER, Turns

Connection: TypeAlias = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")
Row = TypeVar("Row")

SQL = Path(__file__).parent / "sql"

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
API_LIMITS = {"statement_timeout": "1500ms", "lock_timeout": "1s", "idle_in_transaction_session_timeout": "2s"}

# Far below the job timeout of the queue: a drain ends by its own limits, never by a signal in the middle of a statement.
# An idle transaction is a frozen worker: ending it frees the wallets that it has locked.
WORKER_LIMITS = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s"}

# A worker that is frozen between two statements of one round trip is not idle to Postgres, which waits for the rest of them.
WORKER_TRANSACTION_TIMEOUT = "10s"

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
# never a transfer's fault; taken for one, it would reject the whole queue, transfer by transfer.
TRANSIENT_STATES = ("40001", "40P01", "55P03", "57", "53", "08", "25006", "25P03", "25P04", "42")

TIME_OVER_STATES = ("57014", "25P04")  # a statement's, a transaction's

logger = log.get(__name__)


@cache
def statement(name: str) -> LiteralString:
    """Return the SQL of core/sql/NAME.sql. The files are ours: nothing of a caller's ever becomes part of a statement."""
    return literal(SQL / f"{name}.sql")


def literal(file: Path) -> LiteralString:
    """Return the SQL of one of our own files."""
    text: Any = file.read_text()
    return cast(LiteralString, text)


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


def connect(url: str) -> psycopg.Connection:
    """Open a worker's connection: autocommit, UTC, the worker's limits."""
    connection = psycopg.connect(url, autocommit=True, options=options(WORKER_LIMITS), prepare_threshold=1, **KEEPALIVE)
    try:
        connection.execute(statement("limit_transactions"), {"limit": WORKER_TRANSACTION_TIMEOUT})
    except BaseException:
        connection.close()
        raise
    return connection


def options(limits: Mapping[str, str]) -> str:
    # A killed client's backend notices within a second, even inside a statement, and lets its locks go.
    # A COMMIT that is answered must be durable, whatever the database's own default says.
    given = {**limits, **PLANNER, **PROBES, "client_connection_check_interval": "1s", "synchronous_commit": "on", "timezone": "UTC"}
    return " ".join(f"-c {name}={value}" for name, value in given.items())


class Database:
    """The connections of an API, or of a deliverer. All that one request asks is answered within ANSWER_WITHIN_S of its first
    question, or raises Unavailable. A fault heals by itself.
    """

    def __init__(self, url: str, *, connections: int = CONNECTIONS, limits: Mapping[str, str] = API_LIMITS) -> None:
        self._pool = AsyncConnectionPool(
            url,
            kwargs={"autocommit": True, "options": options(limits), "prepare_threshold": 1, **KEEPALIVE},
            min_size=2,
            max_size=connections,
            timeout=POOL_TIMEOUT_S,
            reconnect_timeout=5.0,
            open=False,
        )
        places = max(connections - PROCESS_CONNECTIONS, 1)
        self._turns = Turns(places, min(places, OWNER_CONNECTIONS), OWNER_WAITING_MAX, POOL_TIMEOUT_S)
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Start connecting. Returns at once, also when Postgres is away: a later call will find it back."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=2.0)

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

        Work that takes too long is left to end by itself, because a cancelled statement may wait for the server's answer for
        as long as the server is frozen. Its outcome is unknown.
        """
        task = asyncio.ensure_future(self._in_turn(work))
        done, _ = await asyncio.wait({task}, timeout=max(answer_by() - time.monotonic(), 0.0))
        if not done:
            self._abandoned.add(task)
            task.add_done_callback(self._forget)
            raise Unavailable("the database did not answer in time")
        return task.result()

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
                    return await work(connection)
            except PoolTimeout:
                raise Unavailable("no database connection is free") from None
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                logger.warning("database fault", sqlstate=error.sqlstate, kind=type(error).__name__)
                if time.monotonic() > give_up:
                    raise Unavailable("the database is not available") from error
            await asyncio.sleep(REPEAT_EVERY_S)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("abandoned work failed", kind=type(error).__name__)


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
        return await cursor.fetchall()
