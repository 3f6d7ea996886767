"""The edge to Postgres: statements from files, connections with their limits, and which errors mean "try again"."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, TypeAlias, TypeVar, cast

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core import log
from core.errors import Unavailable

Connection: TypeAlias = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")
Row = TypeVar("Row")

SQL = Path(__file__).parent / "sql"

# A caller gets its 503 within 2 s (promise 17). Postgres gives up by itself before that, so that nothing goes on unseen.
ANSWER_WITHIN_S = 1.8
API_LIMITS = {"statement_timeout": "1500ms", "lock_timeout": "1s", "idle_in_transaction_session_timeout": "2s"}

# Far below the job timeout of the queue: a drain ends by its own limits, never by a signal in the middle of a statement.
# An idle transaction is a frozen worker: ending it frees the wallets that it has locked.
WORKER_LIMITS = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s"}

KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# Faults, not refusals: serialization failure and deadlock, lock not available, operator intervention (shutdown, timeouts),
# insufficient resources (disk, memory, connections), connection exceptions, read-only transaction (a standby), a transaction that
# was idle or open for too long. And all of class 42 (no such table or column, no right to it): a deployment that is not finished,
# never a transfer's fault; taken for one, it would reject the whole queue, transfer by transfer.
TRANSIENT_STATES = ("40001", "40P01", "55P03", "57", "53", "08", "25006", "25P03", "25P04", "42")

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


def connect(url: str) -> psycopg.Connection:
    """Open a worker's connection: autocommit, UTC, the worker's limits."""
    return psycopg.connect(url, autocommit=True, options=options(WORKER_LIMITS), prepare_threshold=1, **KEEPALIVE)


def options(limits: Mapping[str, str]) -> str:
    # A killed client's backend notices within a second, even inside a statement, and lets its locks go.
    given = {**limits, "client_connection_check_interval": "1s", "timezone": "UTC"}
    return " ".join(f"-c {name}={value}" for name, value in given.items())


class Database:
    """The API's connections. Every call answers within ANSWER_WITHIN_S or raises Unavailable; a fault heals by itself."""

    def __init__(self, url: str, *, connections: int = 10) -> None:
        self._pool = AsyncConnectionPool(
            url,
            kwargs={"autocommit": True, "options": options(API_LIMITS), "prepare_threshold": 1, **KEEPALIVE},
            min_size=2,
            max_size=connections,
            timeout=1.0,
            reconnect_timeout=5.0,
            check=AsyncConnectionPool.check_connection,  # after a restart of Postgres the pool holds dead connections
            open=False,
            name="api",
        )
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Start connecting. Returns at once, also when Postgres is away: a later call will find it back."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=2.0)

    async def run(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Give `work` a healthy connection and return what it returns; raise Unavailable when that fails or takes too long.

        Work that takes too long is left to end by itself, because a cancelled statement may wait for the server's answer for
        as long as the server is frozen. Its outcome is unknown.
        """
        task = asyncio.ensure_future(self._with_connection(work))
        done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN_S)
        if not done:
            self._abandoned.add(task)
            task.add_done_callback(self._forget)
            raise Unavailable("the database did not answer in time")
        try:
            return task.result()
        except PoolTimeout:
            raise Unavailable("no database connection is free") from None
        except psycopg.Error as error:
            if not is_transient(error):
                raise
            logger.warning("database fault", sqlstate=error.sqlstate, kind=type(error).__name__)
            raise Unavailable("the database is not available") from error

    async def fetch(self, name: str, params: Mapping[str, object], row: type[Row]) -> list[Row]:
        """Run the statement of that name in a transaction of its own and return its rows as `row` objects."""
        return await self.run(lambda connection: fetch(connection, name, params, row))

    async def _with_connection(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        async with self._pool.connection() as connection:
            return await work(connection)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("abandoned work failed", kind=type(error).__name__)


async def fetch(connection: Connection, name: str, params: Mapping[str, object], row: type[Row]) -> list[Row]:
    """Run one statement on this connection and return its rows as `row` objects (its column names are their fields)."""
    async with connection.cursor(binary=True, row_factory=class_row(row)) as cursor:
        await cursor.execute(statement(name), params)
        return await cursor.fetchall()
