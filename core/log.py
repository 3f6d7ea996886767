"""Logs are JSON lines on standard error: `event` says what happened, in words that can be searched for.

Never logged: keys, connection strings, bodies, metadata, and the text of database errors (it holds row values).
"""

import logging
import sys
from typing import Any

import psycopg
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo

__all__ = ["configure", "get"]

TRACEBACK = ExceptionDictTransformer(show_locals=False)


def configure(level: str) -> None:
    """Set up logging for this process, the standard library's loggers (uvicorn, rq, psycopg) included."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
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
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("psycopg.pool", "rq", "rq.worker"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


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
