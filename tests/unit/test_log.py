"""What is logged, and what never is."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog

from core import log


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process that logs as ours do writes to its standard error."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    log.configure("INFO")
    yield written
    root.handlers, root.level = handlers, level
    structlog.configure(**configured)


def last(lines: io.StringIO) -> Any:
    return json.loads(lines.getvalue().splitlines()[-1])


def test_a_line_is_json_with_what_where_and_when(lines: io.StringIO) -> None:
    structlog.stdlib.get_logger("worker.ledger.sweep").warning("sweep put off", shard=3)

    line = last(lines)
    assert (line["event"], line["shard"], line["level"], line["logger"]) == ("sweep put off", 3, "warning", "worker.ledger.sweep")
    assert line["timestamp"].endswith("Z")


def test_the_loggers_of_libraries_write_the_same_lines(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("address %s", "in use")

    assert (last(lines)["event"], last(lines)["logger"]) == ("address in use", "uvicorn.error")


@pytest.mark.parametrize("logger", ["psycopg.pool", "rq", "rq.worker"])
def test_chatty_libraries_are_heard_from_warnings_on(lines: io.StringIO, logger: str) -> None:
    logging.getLogger(logger).info("hello")
    assert lines.getvalue() == ""
    logging.getLogger(logger).warning("help")
    assert last(lines)["event"] == "help"


def test_a_traceback_names_the_place_and_holds_no_local_variables(lines: io.StringIO) -> None:
    def fail(password: str) -> None:
        raise KeyError(len(password))

    try:
        fail("swordfish")
    except KeyError as error:
        structlog.stdlib.get_logger("x").error("batch failed", exc_info=error)

    [exception] = last(lines)["exception"]
    assert exception["exc_type"] == "KeyError"
    assert exception["frames"][-1]["name"] == "fail"
    assert not [frame for frame in exception["frames"] if frame.get("locals")]


def test_what_a_database_error_says_is_not_logged_because_it_holds_row_values(lines: io.StringIO) -> None:
    try:
        try:
            raise psycopg.errors.CheckViolation("Failing row contains (swordfish)")
        except psycopg.Error as error:
            raise ValueError("what we say ourselves") from error
    except ValueError as error:
        structlog.stdlib.get_logger("x").error("batch failed", exc_info=error)

    assert [(one["exc_type"], one["exc_value"]) for one in last(lines)["exception"]] == [
        ("ValueError", "what we say ourselves"),
        ("CheckViolation", ""),
    ]
