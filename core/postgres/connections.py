"""Connections to PostgreSQL that send no cancel, and whose round trips end by a deadline on the client's side.

PostgreSQL ends the wait for a synchronous standby when a statement is cancelled: the transaction is then visible, and durable on
this server only. So where psycopg would send a cancel, these connections close their socket. The server notices that within a
second during a statement (client_connection_check_interval), and never in the wait for a standby.

A server that hangs, or a host that vanished, sends nothing that would end a wait: hence the deadline on this side.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import psycopg
from psycopg import pq, waiting
from psycopg.abc import PQGen

from core import log
from core.postgres import lenient, session, startup
from core.postgres.limits import COMMAND_LIMITS, KEEPALIVE, PROBES, ROUND_TRIP_WITHIN_S, WORKER_LIMITS, session_of
from core.postgres.session import Session, Unfit

__all__ = ["AsyncConnection", "SyncConnection", "connect_command", "connect_worker"]

Value = TypeVar("Value")

CHECK_EVERY_S = 0.1  # the delay with which a signal is noticed during a round trip; psycopg's own value

SET_UP_WITHIN_S = 5.0  # A guess. For the one statement that sets the session

logger = log.get(__name__)


class SyncConnection(psycopg.Connection[Any]):
    """A connection of a worker or a command.

    A round trip that takes longer than `within_s` seconds closes it and raises OperationalError: the outcome is unknown. An
    exception that a signal handler raises during a round trip closes it too.
    """

    session: Session
    within_s: float | None = None
    is_primary = True  # false where a single read-only host was accepted

    def wait(self, gen: PQGen[Value], interval: float = CHECK_EVERY_S, timeout: float | None = None) -> Value:
        try:
            return waiting.wait(gen, self.pgconn.socket, interval=interval, timeout=timeout or self.within_s)
        except psycopg.errors._WaitTimeout:  # psycopg is pinned
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {timeout or self.within_s} s: the connection is closed") from None
        except BaseException:
            close_if_busy(self.pgconn)
            raise


class AsyncConnection(psycopg.AsyncConnection[Any]):
    """A connection of the pool. Cancelling a task that waits for its answer closes it. `session` was read when it began."""

    session: Session

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, limits: Mapping[str, str], on_refusal: Callable[[str | None], None], **given: Any
    ) -> Self:
        """Connect to the primary, or to the only host, and set what the session needs.

        Calls `on_refusal` with the reason when the server answers and is not fit, else with None. Raises psycopg.Error, and Unfit.
        """
        params = {**startup.primary_only(conninfo), **startup.packet(conninfo, limits)}
        while True:
            try:
                opened = await super().connect(conninfo, **given, **params, **startup.last_good_first(conninfo))
                break
            except psycopg.OperationalError as error:
                relaxed = startup.relaxed(params, error, may_read_only=startup.has_one_host(conninfo))
                if relaxed is None:
                    on_refusal(startup.READS_ONLY if startup.is_read_only(error) else None)
                    raise
                params = relaxed
        try:
            async with asyncio.timeout(SET_UP_WITHIN_S):
                opened.session = await session.set_up_async(opened, limits)
        except BaseException as error:
            opened.pgconn.finish()
            on_refusal(str(error) if isinstance(error, Unfit) else None)
            raise
        lenient.register(opened)
        startup.remember(conninfo, opened)
        on_refusal(None)
        return opened

    async def wait(
        self,
        gen: PQGen[Value],
        interval: float = CHECK_EVERY_S,
        timeout: float | None = None,  # noqa: ASYNC109  # psycopg's signature
    ) -> Value:
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except BaseException:
            close_if_busy(self.pgconn)
            raise


def connect_worker(url: str, kind: str = "worker") -> SyncConnection:
    """Open a connection of a worker or a sweeper: autocommit, the worker's limits. Raises psycopg.Error, and Unfit."""
    name = startup.application_name(kind)
    given: dict[str, Any] = {"autocommit": True, "prepare_threshold": 1, "application_name": name, **KEEPALIVE}
    try:
        opened = connect(url, session_of(WORKER_LIMITS), within_s=ROUND_TRIP_WITHIN_S, may_read_only=True, **given)
    except Unfit as unfit:
        logger.error("the database is not fit", reason=str(unfit))  # noqa: TRY400  # a traceback adds nothing to the reason
        raise
    if not opened.is_primary:
        logger.error("the database is not fit", reason=startup.READS_ONLY)
    return opened


def connect_command(url: str, *, writes: bool = True, autocommit: bool = False) -> SyncConnection:
    """Open a connection for a command of an operator, without time limits. Raises psycopg.Error, and Unfit."""
    name = startup.application_name("command")
    return connect(url, {**COMMAND_LIMITS, **PROBES}, writes=writes, autocommit=autocommit, application_name=name, **KEEPALIVE)


def connect(
    url: str,
    limits: Mapping[str, str],
    *,
    autocommit: bool,
    writes: bool = True,
    may_read_only: bool = False,
    within_s: float | None = None,
    **given: Any,
) -> SyncConnection:
    """Connect, to the primary if it `writes`, and set what the session needs. A round trip takes at most `within_s` seconds.

    With `may_read_only`, a single host that is not the primary is accepted, and `is_primary` is false then.

    Raises psycopg.Error, and Unfit.
    """
    primary = startup.primary_only(url) if writes else {}
    params = {**primary, **startup.packet(url, limits)}
    while True:
        try:
            opened = SyncConnection.connect(url, autocommit=True, **given, **params, **startup.last_good_first(url))
            break
        except psycopg.OperationalError as error:
            relaxed = startup.relaxed(params, error, may_read_only=may_read_only and startup.has_one_host(url))
            if relaxed is None:
                raise (Unfit(startup.READS_ONLY) if startup.is_read_only(error) else error) from None
            params = relaxed
    try:
        opened.is_primary = not primary or params.items() >= primary.items()
        opened.within_s = SET_UP_WITHIN_S
        opened.session = session.set_up(opened, limits)
        opened.within_s = within_s
        opened.autocommit = autocommit  # not before: a rollback would undo the settings
    except BaseException:
        opened.close()
        raise
    startup.remember(url, opened)
    return opened


def close_if_busy(pgconn: pq.abc.PGconn) -> None:
    """Close the socket of a connection that waits for an answer. Sends nothing."""
    if pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
        pgconn.finish()
