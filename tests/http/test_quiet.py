"""What strangers do is counted, and fills no log: a process at INFO writes no line for a bad request, and few for an outage."""

import contextlib
import json
import logging
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core import log
from tests.caller import Caller
from tests.http.raw import connect, exchange
from tests.http.test_upgrades import OFFERS
from tests.http.test_wire import CHUNKED, GET, NOT_HTTP, POST, TOO_LARGE
from tests.system import System
from tests.waiting import wait_for

STRANGER = GET.replace(b"/healthz", b"/v1/transfers")
LINES_OF_A_FAULT_MAX = 10  # of each kind, in ten seconds

BAD: dict[str, bytes] = {
    **NOT_HTTP,
    **{name: TOO_LARGE[name] for name in ("many headers", "the path")},
    "no key": STRANGER + b"Connection: close\r\n\r\n",
    "a wrong key": STRANGER + b"Authorization: Bearer x\r\nConnection: close\r\n\r\n",
    "an unknown path": GET.replace(b"healthz", b"x") + b"Connection: close\r\n\r\n",
    "a method that is not allowed": GET.replace(b"GET", b"DELETE") + b"Connection: close\r\n\r\n",
    "an expectation": GET + b"Expect: the-unexpected\r\nConnection: close\r\n\r\n",
    "an offer": GET + OFFERS["a web socket"].replace(b"keep-alive", b"close") + b"\r\n",
    "bad JSON": POST + b"Content-Length: 1\r\nConnection: close\r\n\r\n{",
    "a bad chunk": CHUNKED + b"\r\nZZ\r\n",
}


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The lines that the API has logged, without those of its start and stop."""
    texts = [text for file in folder.glob("api-*.log") for text in file.read_text().splitlines()]
    return [line for text in texts if (line := json.loads(text))["level"] != "info"]


def reset(url: str, request: bytes) -> None:
    """Send this, and reset the connection instead of closing it."""
    with connect(url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request)


@pytest.mark.long
def test_hundreds_of_bad_requests_of_every_kind_write_no_line_and_are_counted(own_system: System) -> None:
    own_system.start_api()
    caller = own_system.caller()

    def send(request: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            exchange(own_system.url, request)
        reset(own_system.url, request)
        reset(own_system.url, request[: len(request) // 2])

    with connect(own_system.url) as half, connect(own_system.url) as silent:
        half.sendall(GET)
        with ThreadPoolExecutor(8) as senders:
            list(senders.map(send, BAD.values()))
        assert b"408" in half.recv(65536)
        assert silent.recv(65536) == b""

    def counted() -> bool:
        text = caller.get("/metrics").body
        return all(f"{name} 0.0" not in text and name in text for name in COUNTED)

    wait_for(counted, "all to be counted")
    assert lines_of(own_system.folder) == []


COUNTED = (
    'teller_problems_total{code="malformed_request"}',
    'teller_problems_total{code="headers_too_large"}',
    'teller_problems_total{code="unauthorized"}',
    'teller_problems_total{code="request_timeout"}',
    'teller_connections_cut_total{reason="silent"}',
)


def test_an_outage_writes_few_lines_however_many_ask(own_system: System) -> None:
    """With a database that is nowhere, so that each request finds it away."""
    own_system.database_url = "postgresql://stranger:secret@127.0.0.1:1/nothing"
    own_system.start("api")
    wait_for(lambda: own_system.answers(own_system.processes[0]), "the API to answer")
    statuses: list[int] = []

    def ask() -> None:
        stranger = Caller(own_system.url, key="no-key-at-all")
        statuses.extend(stranger.get(path).status for path in ("/readyz", "/v1/transfers", "/v1/clients"))
        stranger.close()

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [503] * 120
    lines = lines_of(own_system.folder)
    kinds = {(line["logger"], line["event"]) for line in lines}
    assert ("api.http.problems", "problem answered") in kinds
    for kind in kinds:
        of_kind = [line for line in lines if (line["logger"], line["event"]) == kind]
        assert len(of_kind) <= 3 * LINES_OF_A_FAULT_MAX, kind  # the test may last longer than ten seconds


@pytest.mark.parametrize("logger", ["api.http.problems", "uvicorn.error", "asyncio", "psycopg.pool"])
def test_what_was_left_out_is_said_in_the_next_line(logger: str) -> None:
    now = [0.0]
    bound = log.Bound(lambda: now[0])

    def passes(event: str, level: int = logging.WARNING) -> dict[str, Any] | None:
        record = logging.LogRecord(logger, level, "", 0, {"event": event}, None, None)
        return dict(record.msg) if bound(record) else None  # type: ignore[arg-type]  # structlog puts dicts there

    assert [passes("one kind") is not None for _ in range(30)] == [True] * 10 + [False] * 20
    assert passes("another kind") == {"event": "another kind"}
    assert all(passes("one kind", logging.INFO) for _ in range(100))
    now[0] += 11
    assert passes("one kind") == {"event": "one kind", "suppressed": 20}
    assert passes("one kind") == {"event": "one kind"}
