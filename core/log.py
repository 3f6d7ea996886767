"""Logs are JSON lines on standard error: `event` says what happened, in words that can be searched for.

A line that is written for one request carries its `request_id`; one about a transfer names it, as callers do. What happens with
every request is logged at DEBUG alone, and costs nothing at other levels.

What callers can cause is bounded: each process writes a line of WARNING or above at most LINES_MAX times in PERIOD_S. The next one
says in `suppressed` how many were left out.

Never logged: keys, connection strings, bodies, metadata, and the text of database errors (it holds row values, or a password out
of a connection string that is not well formed).
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

__all__ = ["REQUEST_ID", "Seldom", "configure", "get", "tells_all"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id")  # of the request that is being answered; each has a context of its own

CALLERS_CAUSE = (
    "api.",
    "core.postgres.",
    "uvicorn",
    "asyncio",
    "psycopg.pool",
)  # loggers of what a request or connection may cause
LINES_MAX = 10
PERIOD_S = 10.0
KINDS_MAX = 1000  # of lines that are counted apart

TRACEBACK = ExceptionDictTransformer(show_locals=False)


def configure(level: str) -> None:
    """Set up logging for this process, the standard library's loggers (uvicorn, rq, psycopg) included."""
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
    """Take the text out of database errors that a library logs (psycopg's pool does), and let the line pass."""
    if isinstance(record.args, tuple):
        record.args = tuple(named(arg) if isinstance(arg, psycopg.Error) else arg for arg in record.args)
    return True


class Bound:
    """A filter of log records: of each line that callers can cause it passes LINES_MAX in PERIOD_S."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}  # by logger and line: since when, and how many

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
    """Tells whether it is time for a line that repeats: once in so many seconds, each kind of line for itself."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._said_at: dict[str, float] = {}

    def is_time(self, kind: str) -> bool:
        """Tell whether this kind of line was not written for so long, and note it as written now."""
        now, said_at = self._clock(), self._said_at.get(kind)
        if said_at is not None and now - said_at < self._every_s:
            return False
        self._said_at[kind] = now
        return True


def named(error: psycopg.Error) -> str:
    return f"{type(error).__name__} {error.sqlstate or ''}".rstrip()


def describe(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Return the exception and its causes, with the frames they came through; no local variables, no text of the database's."""
    described = TRACEBACK(exc_info)
    for exception in described:
        if hasattr(psycopg.errors, exception["exc_type"]):
            exception["exc_value"] = ""
    return described


def get(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def tells_all(name: str) -> bool:
    """Tell whether the logger of this name writes at DEBUG: where it does not, what it would write need not be made."""
    return logging.getLogger(name).isEnabledFor(logging.DEBUG)
