"""Connections to Postgres that are never cancelled, and that end by a deadline of their own.

Postgres ends the wait for a synchronous standby when a statement is cancelled: the transaction is then visible, and on this server
alone. So where psycopg would send a cancel, these connections close their socket: the server goes on as if nothing had happened.
And a server that hangs, or a host that is gone without a word, ends no wait of its own: the deadline is on this side.
"""

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import psycopg
from psycopg import pq, waiting
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict

from core.postgres import lenient, session
from core.postgres.session import Session, Unfit

Value = TypeVar("Value")

CHECK_EVERY_S = 0.1  # how soon a signal is noticed while the server is waited for: psycopg's own value

SET_UP_WITHIN_S = 5.0

NEWEST_LIMIT = "transaction_timeout"  # PostgreSQL 16 has none, and refuses a startup packet that names it
PACKET_LIMITS = ("statement_timeout", "lock_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout", NEWEST_LIMIT)

LAST_GOOD: dict[str, tuple[str, str]] = {}  # by URL: host and port

READS_ONLY = "no server that DATABASE_URL leads to takes writes: each is a standby, or read-only"


class Connection(psycopg.Connection[Any]):
    """A worker's. A round trip that takes longer than `within_s` seconds closes it and raises OperationalError: the outcome is
    unknown. An exception that a signal raises in the midst of one closes it too.
    """

    session: Session
    within_s: float | None = None
    is_primary = True  # as far as it was asked for

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
    """A connection of a pool: to cancel a task that waits for it closes it. `session` is what was asked back when it began."""

    session: Session

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, limits: Mapping[str, str], note: Callable[[str | None], None], **given: Any
    ) -> Self:
        """Connect to the primary, or where there is one host, to that; set what the session needs.

        `note` is told why a server that answers is not fit, None when one is. Raises psycopg.Error, and Unfit.
        """
        params = {**to_the_primary(conninfo), **in_packet(conninfo, limits)}
        while True:
            try:
                opened = await super().connect(conninfo, **given, **params, **last_good_first(conninfo))
                break
            except psycopg.OperationalError as error:
                if (instead := relaxed(params, error, may_read_only=has_one_host(conninfo))) is None:
                    note(READS_ONLY if is_read_only(error) else None)
                    raise
                params = instead
        try:
            async with asyncio.timeout(SET_UP_WITHIN_S):
                opened.session = await session.set_up_async(opened, limits)
        except BaseException as error:
            opened.pgconn.finish()
            note(str(error) if isinstance(error, Unfit) else None)
            raise
        lenient.register(opened)
        LAST_GOOD[conninfo] = (opened.info.host, str(opened.info.port))
        note(None)
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


def connect(
    url: str,
    limits: Mapping[str, str],
    *,
    autocommit: bool,
    writes: bool = True,
    may_read_only: bool = False,
    within_s: float | None = None,
    **given: Any,
) -> Connection:
    """Connect, to the primary if it `writes`, and set what the session needs. A round trip takes at most `within_s` seconds.

    With `may_read_only`, a single host that is not the primary is taken all the same, and `is_primary` is false then.

    Raises psycopg.Error, and Unfit.
    """
    primary = to_the_primary(url) if writes else {}
    params = {**primary, **in_packet(url, limits)}
    while True:
        try:
            opened = Connection.connect(url, autocommit=True, **given, **params, **last_good_first(url))
            break
        except psycopg.OperationalError as error:
            if (instead := relaxed(params, error, may_read_only=may_read_only and has_one_host(url))) is None:
                raise (Unfit(READS_ONLY) if is_read_only(error) else error) from None
            params = instead
    try:
        opened.is_primary = not primary or params.items() >= primary.items()
        opened.within_s = SET_UP_WITHIN_S
        opened.session = session.set_up(opened, limits)
        opened.within_s = within_s
        opened.autocommit = autocommit  # not before: a rollback would undo the settings
    except BaseException:
        opened.close()
        raise
    LAST_GOOD[url] = (opened.info.host, str(opened.info.port))
    return opened


def close_if_busy(pgconn: pq.abc.PGconn) -> None:
    """Close the socket of a connection on which an answer is outstanding. Nothing is sent."""
    if pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
        pgconn.finish()


def to_the_primary(url: str) -> dict[str, Any]:
    """Return the parameter that makes libpq pass over a standby, unless the URL (or PGTARGETSESSIONATTRS) chooses by itself."""
    is_chosen = "target_session_attrs" in conninfo_to_dict(url) or "PGTARGETSESSIONATTRS" in os.environ
    return {} if is_chosen else {"target_session_attrs": "read-write"}


def in_packet(url: str, limits: Mapping[str, str]) -> dict[str, Any]:
    """Return what the startup packet asks for: the encoding, and the limits, so that no default ends what sets the session up.

    What the URL or PGOPTIONS asks for comes before, so that of two values of a limit Teller's is in force.
    """
    given = str(conninfo_to_dict(url).get("options") or os.environ.get("PGOPTIONS", ""))
    own = [f"-c {name}={limits.get(name, '0')}" for name in PACKET_LIMITS]
    return {"client_encoding": "UTF8", "options": " ".join([given, *own]).strip()}


def relaxed(params: Mapping[str, Any], error: psycopg.Error, *, may_read_only: bool) -> dict[str, Any] | None:
    """Return what to try instead of parameters that this server refused; None when there is nothing else to try.

    PostgreSQL 16 refuses a limit that it does not know; a pooler may refuse all options, and set_session does without. A single
    host that is read-only is better than none: reads are answered, writes are refused by the server, and readiness says so.
    With several hosts another one is the primary, or soon becomes it.
    """
    options = params.get("options", "")
    if f'"{NEWEST_LIMIT}"' in str(error) and (found := re.search(rf"-c {NEWEST_LIMIT}=\S+", options)):
        return {**params, "options": options.replace(found[0], "")}
    if "unsupported startup parameter" in str(error) and options:
        return {**params, "options": ""}
    if may_read_only and "target_session_attrs" in params and is_read_only(error):
        return {name: value for name, value in params.items() if name != "target_session_attrs"}
    return None


def is_read_only(error: psycopg.Error) -> bool:
    """Tell whether a connection was given up because its server is not one that takes writes: by libpq's words."""
    return any(words in str(error) for words in ("session is read-only", "server is in hot standby mode"))


def last_good_first(url: str) -> dict[str, Any]:
    """Return the URL's hosts with the one first that was right last: one that hangs costs each new connection its whole timeout."""
    given = conninfo_to_dict(url)
    hosts = str(given.get("host", "")).split(",")
    ports = str(given.get("port", "")).split(",")
    pairs = list(zip(hosts, ports if len(ports) == len(hosts) else ports * len(hosts), strict=False))
    if len(hosts) == 1 or "hostaddr" in given or LAST_GOOD.get(url) not in pairs:
        return {}
    pairs.sort(key=lambda pair: pair != LAST_GOOD[url])
    return {"host": ",".join(host for host, _ in pairs), "port": ",".join(port for _, port in pairs)}


def has_one_host(url: str) -> bool:
    return "," not in str(conninfo_to_dict(url).get("host", ""))
