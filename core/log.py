"""Logs are JSON lines on standard error: `event` says what happened, in words that can be searched for.

A line that is written for one request has its `request_id`; a line about a transfer has the transfer's id as the API shows it.
Lines for every request are written at DEBUG only, and cost nothing at other levels.

Lines that callers can cause are limited: each process writes the same line of WARNING or above at most LINES_MAX times in PERIOD_S.
The next such line states the number of omitted ones in `suppressed`.

Never logged: keys, connection strings, bodies, metadata, and the text of database errors (it contains row values, or the password
of a malformed connection string).
"""

import logging
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import psycopg
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo

__all__ = ["REQUEST_ID", "Seldom", "configure", "get", "writes_debug"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id")  # of the current request; each request has its own context

CALLERS_CAUSE = (
    "api.",
    "console.",
    "core.postgres.",
    "uvicorn",
    "asyncio",
    "psycopg.pool",
)  # prefixes of the loggers whose lines a request or a connection can cause
LINES_MAX = 10  # A guess: enough to see a pattern
PERIOD_S = 10.0  # A guess
KINDS_MAX = 1000  # A guess. Of different lines that are counted: a bound on memory

TRACEBACK = ExceptionDictTransformer(show_locals=False)


def configure(level: str) -> None:
    """Configure logging of this process, also of libraries that log by the standard library (uvicorn, rq, psycopg)."""
    shared: list[structlog.typing.Processor] = [
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(describe),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(without_texts)
    handler.addFilter(Bound())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("psycopg.pool", "rq", "rq.worker"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def add_request_id(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if (id := REQUEST_ID.get(None)) is not None:
        line.setdefault("request_id", id)
    return line


def without_texts(record: logging.LogRecord) -> bool:
    """Replace a database error that a library logs (psycopg's pool does) by its class and SQLSTATE. Always returns True."""
    if isinstance(record.args, tuple):
        record.args = tuple(named(arg) if isinstance(arg, psycopg.Error) else arg for arg in record.args)
    return True


class Bound:
    """A filter of log records: passes each line that callers can cause at most LINES_MAX times in PERIOD_S."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}  # by logger and line: start of the period, lines in it

    def __call__(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not record.name.startswith(CALLERS_CAUSE):
            return True
        line = record.msg if isinstance(record.msg, dict) else {}
        kind = record.name, str(line.get("event", record.msg))
        now = self._clock()
        since, count = self._counts.get(kind, (now, 0))
        if now - since > PERIOD_S:
            if count > LINES_MAX:
                line["suppressed"] = count - LINES_MAX
            since, count = now, 0
        if kind not in self._counts and len(self._counts) >= KINDS_MAX:
            self._counts.clear()
        self._counts[kind] = (since, count + 1)
        return count < LINES_MAX


class Seldom:
    """Limits a line that repeats to once in `every_s` seconds, each kind of line separately."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._written_at: dict[str, float] = {}

    def is_time(self, kind: str) -> bool:
        """Return whether a line of this kind is due, and count it as written now if so."""
        now, written_at = self._clock(), self._written_at.get(kind)
        if written_at is not None and now - written_at < self._every_s:
            return False
        self._written_at[kind] = now
        return True


def named(error: psycopg.Error) -> str:
    return f"{type(error).__name__} {error.sqlstate or ''}".rstrip()


def describe(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Return the exception and its causes with their frames, without local variables and without the text of database errors."""
    described = TRACEBACK(exc_info)
    for exception in described:
        if hasattr(psycopg.errors, exception["exc_type"]):
            exception["exc_value"] = ""
    return described


def get(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def writes_debug(name: str) -> bool:
    """Return whether the logger of this name writes at DEBUG. If not, the caller need not compute the line."""
    return logging.getLogger(name).isEnabledFor(logging.DEBUG)
