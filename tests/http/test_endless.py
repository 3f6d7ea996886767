"""Each part of a message without an end: its sender is cut off after a bounded number of bytes and costs other callers nothing."""

import contextlib
import os
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.http.protocol import HttpProtocol
from tests.caller import OPERATOR_KEY, Caller
from tests.databases import Databases
from tests.http.conftest import NOWHERE
from tests.http.raw import connect, exchange, parse_all, read_to_end
from tests.http.test_upgrades import OFFERS
from tests.http.test_wire import CHUNKED, GET, POST
from tests.system import ROOT, System
from tests.waiting import wait_for

MIB = 1024 * 1024
SENT_MAX = 24 * MIB  # what the server reads, and what the kernel's buffers of both ends hold
ANOTHER_WAITS_MAX_S = 0.5  # for two requests that take a few milliseconds, while each core has one process to run
GROWTH_MAX_MIB = 64

A = b"a" * 16384
BATCH = CHUNKED.replace(b"/v1/deposits", b"/v1/transfers/batch").replace(b"Idempotency-Key: Zq7xMark\r\n", b"")
STRANGER = CHUNKED.replace(OPERATOR_KEY.encode(), b"no-key-of-this-system")
OPEN = GET + b"Transfer-Encoding: chunked\r\n\r\n"

ENDLESS: dict[str, tuple[bytes, bytes, int]] = {
    "empty lines": (b"", b"\r\n" * 8192, 431),
    "a method": (b"", A, 400),
    "a path": (b"GET /", A, 431),
    "a path of escapes": (b"GET /", b"%41" * 5000, 431),
    "a query": (b"GET /healthz?", b"a&" * 8192, 431),
    "a header's name": (GET, A, 431),
    "a header's value": (GET + b"A: ", A, 431),
    "headers": (GET, b"a:\r\n" * 4096, 431),
    "cookies": (GET + b"Cookie: ", b"a;" * 8192, 431),
    "a chunk's size": (CHUNKED + b"\r\n", b"0" * 16384, 431),
    "a chunk's extension": (CHUNKED + b"\r\n1;", A, 431),
    "a chunk's extension in quotes": (CHUNKED + b'\r\n1;a="', A, 431),
    "chunks with extensions": (BATCH + b"\r\n", b"1;" + A + b"\r\n \r\n", 431),
    "chunks of one byte": (BATCH + b"\r\n", b"1\r\n \r\n" * 3000, 431),
    "a trailer's name": (CHUNKED + b"\r\n0\r\n", A, 431),
    "a trailer's value": (CHUNKED + b"\r\n0\r\nA: ", A, 431),
    "trailers": (CHUNKED + b"\r\n0\r\n", b"a: b\r\n" * 3000, 431),
    "trailers behind an offer": (CHUNKED + OFFERS["h2c as Java offers it"] + b"\r\n0\r\n", b"a: b\r\n" * 3000, 431),
    "trailers that no key came with": (STRANGER + b"\r\n0\r\nA: ", A, 401),
    "trailers after an answer": (OPEN + b"0\r\nA: ", A, 200),
    "a body": (POST + b"Content-Length: 1000000000000\r\n\r\n", b" " * 65536, 413),
    "a body in chunks": (CHUNKED + b"\r\n", b"ffff\r\n" + b" " * 65535 + b"\r\n", 413),
    "a body that no key came with": (STRANGER + b"\r\n", b"ffff\r\n" + b" " * 65535 + b"\r\n", 401),
    "a body that is not asked for": (GET + b"Content-Length: 1000000000000\r\n\r\n", b" " * 65536, 200),
    "a body in chunks that is not asked for": (OPEN, b"ffff\r\n" + b" " * 65535 + b"\r\n", 200),
    "what follows a refusal": (b"BAD\r\n\r\n", A, 400),
}  # fmt: skip


@pytest.fixture(scope="module")
def system(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("endless"), databases.migrated(), NOWHERE)
    system.start_api()
    yield system
    system.close()


def flood(url: str, first: bytes, again: bytes) -> tuple[int, bytes]:
    """Send `first`, and `again` until the server hangs up. Return how many bytes were sent, and what came back."""
    sent, received = 0, b""
    with connect(url) as connection, contextlib.suppress(ConnectionError, TimeoutError):
        connection.sendall(first)
        while sent < 4 * SENT_MAX:
            if select.select([connection], [], [], 0)[0]:
                came = connection.recv(65536)
                received += came
                if not came:
                    with contextlib.suppress(ConnectionError):
                        while sent < 4 * SENT_MAX:  # it has said that it will send nothing more; does it still read?
                            sent += connection.send(again)
                    break
            sent += connection.send(again)
    return sent, received


@dataclass
class Another:
    """Another caller: asks for nothing and deposits, in turn, and notes how long it waits."""

    url: str
    waited_s: list[float] = field(default_factory=list)

    def __enter__(self) -> "Another":
        self._caller = Caller(self.url)
        self._wallet = self._caller.new_wallet()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        wait_for(lambda: self.waited_s, "the other caller's first answers")
        return self

    def __exit__(self, *_: object) -> None:
        seen = len(self.waited_s)
        wait_for(lambda: len(self.waited_s) > seen, "the other caller's last answers")
        self._stop.set()
        self._thread.join()
        self._caller.close()

    def _ask(self) -> None:
        while not self._stop.wait(0.005):
            began = time.monotonic()
            statuses = [self._caller.get("/healthz").status, self._caller.deposit(self._wallet, 1).status]
            self.waited_s.append(time.monotonic() - began if statuses == [200, 202] else float("inf"))

    def assert_served(self) -> None:
        # An answer takes two processes, each of which waits for a core as often as others want it.
        busy = 2 * os.getloadavg()[0] / (os.cpu_count() or 1)
        assert max(self.waited_s) < ANOTHER_WAITS_MAX_S * max(1, busy), (busy, sorted(self.waited_s)[-5:])


def memory_mib(process: subprocess.Popen[bytes]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.parametrize("case", ENDLESS)
def test_a_part_without_an_end_is_cut_off_and_costs_others_nothing(system: System, case: str) -> None:
    first, again, status = ENDLESS[case]
    before = memory_mib(system.processes[0])

    with Another(system.url) as another:
        sent, received = flood(system.url, first, again)

    assert sent < SENT_MAX
    another.assert_served()
    assert memory_mib(system.processes[0]) - before < GROWTH_MAX_MIB
    if received:  # a reset may overtake the answer; and the limit may be passed before the application has begun to answer
        assert int(received.split()[1]) in {status, 431}


def test_twenty_callers_without_an_end_cost_others_nothing(system: System) -> None:
    before = memory_mib(system.processes[0])
    cases = list(ENDLESS.values()) * 2

    with Another(system.url) as another, ThreadPoolExecutor(20) as abusers:
        floods = list(abusers.map(lambda case: flood(system.url, case[0], case[1])[0], cases))

    assert max(floods) < SENT_MAX
    another.assert_served()
    assert memory_mib(system.processes[0]) - before < 2 * GROWTH_MAX_MIB


DRIPPED: dict[str, bytes] = {
    "a header": GET + b"A: ",
    "a trailer": CHUNKED + b"\r\n0\r\nA: ",
    "a head after a body that was not asked for": GET + b"Content-Length: 2\r\n\r\n{}" + GET + b"A: ",
}


@pytest.mark.parametrize("case", DRIPPED)
def test_many_small_reads_add_up(system: System, case: str) -> None:
    with connect(system.url) as connection, contextlib.suppress(ConnectionError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(DRIPPED[case])
        sent = 0
        while sent < 2 * HttpProtocol.head_max:
            sent += connection.send(b"a" * 512)
            if select.select([connection], [], [], 0.001)[0] and b"431" in connection.recv(65536):
                break

    assert HttpProtocol.head_max // 2 < sent < HttpProtocol.head_max + 64 * 1024


def test_pipelined_requests_wait_unread_and_cost_others_nothing(system: System) -> None:
    """What a caller does not read is not answered, and what is not answered is not read: the sockets' buffers fill up."""
    before, sent, growth = memory_mib(system.processes[0]), 0, 0
    with Another(system.url) as another, connect(system.url) as connection, contextlib.suppress(ConnectionError):
        while sent < SENT_MAX and growth < GROWTH_MAX_MIB and is_read(connection, another):
            sent += connection.send((GET + b"\r\n") * 1000)
            growth = memory_mib(system.processes[0]) - before

    assert sent < SENT_MAX
    assert growth < GROWTH_MAX_MIB
    another.assert_served()


def is_read(connection: socket.socket, another: Another) -> bool:
    """Return whether the server reads on before it has answered the other caller 50 times: no time, which a slow server passes."""

    def is_writable() -> bool:
        return bool(select.select([], [connection], [], 0)[1])

    enough = len(another.waited_s) + 50
    wait_for(lambda: is_writable() or len(another.waited_s) >= enough, "room, or answers to the other caller")
    return is_writable()


def test_two_hundred_fields_are_read_and_one_more_is_not(system: System) -> None:
    head = GET + b"Connection: close\r\n"
    fits = head + b"a: b\r\n" * (HttpProtocol.fields_max - 2) + b"\r\n"

    [good], [bad] = (
        parse_all(exchange(system.url, fits)),
        parse_all(exchange(system.url, b"a: b\r\n".join([head, fits[len(head) :]]))),
    )

    assert (good.status, bad.code) == (200, "headers_too_large")


@pytest.mark.parametrize("path", ["/healthz", "/v1/clients", "/docs", "/nothing"])
def test_thousands_of_parameters_and_cookies_cost_others_nothing(system: System, path: str) -> None:
    def ask(part: bytes) -> bytes:
        return b"GET " + path.encode() + part + b"\r\nHost: t\r\nConnection: close\r\n"

    heads = [ask(b"?" + b"a&" * 30_000 + b" HTTP/1.1"), ask(b" HTTP/1.1") + b"Cookie: " + b"a=b;" * 15_000 + b"\r\n"]
    with Another(system.url) as another:
        answers = [parse_all(exchange(system.url, head + b"\r\n")) for head in heads * 5]

    assert all(len(answer) == 1 and answer[0].status in (200, 400, 401, 404) for answer in answers)
    another.assert_served()


# Connections

CONNECTIONS = 40


@pytest.fixture
def small_system(databases: Databases, tmp_path: Path) -> Iterator[System]:
    """An API that may have few connections, and few open files beside them."""
    system = System(tmp_path, databases.migrated(), NOWHERE)
    yield system
    system.close()


def test_the_connection_that_has_rested_longest_is_closed_for_a_new_one(small_system: System) -> None:
    small_system.start_api({"TELLER_CONNECTIONS_MAX": str(CONNECTIONS), "TELLER_KEEP_ALIVE_S": "600"})
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(small_system.url)) for _ in range(CONNECTIONS)]
        for connection in idle:
            connection.sendall(GET + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        idle[0].sendall(GET + b"\r\n")  # so that the second has rested longest
        assert idle[0].recv(65536).startswith(b"HTTP/1.1 200")

        new = stack.enter_context(connect(small_system.url))
        new.sendall(GET + b"\r\n")

        assert new.recv(65536).startswith(b"HTTP/1.1 200")
        assert read_to_end(idle[1]) == b""
        assert not select.select([idle[0], *idle[2:]], [], [], 0)[0]


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
sys.argv = ["api"]
runpy.run_module("api", run_name="__main__")
"""


def test_more_connections_than_open_files_keep_no_caller_out(small_system: System) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    environment = {
        **os.environ,
        "DATABASE_URL": small_system.database_url,
        "REDIS_URL": NOWHERE,
        "TELLER_PORT": str(small_system.port),
        "TELLER_OPERATOR_KEY": OPERATOR_KEY,
    }
    log = small_system.folder / "api-limited.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", LIMITED], cwd=ROOT, env=environment, stdout=output, stderr=output)
    small_system.processes.append(process)
    try:
        wait_for(lambda: small_system.answers(process), "the API to answer")
        with contextlib.ExitStack() as stack:
            for _ in range(1500):
                stack.enter_context(connect(small_system.url))
            with Another(small_system.url) as another:
                wait_for(lambda: len(another.waited_s) >= 5, "answers to another caller")
            another.assert_served()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    lines = [line for line in log.read_text().splitlines() if '"warning"' in line or '"error"' in line]
    assert len([line for line in lines if "fewer connections than set" in line]) == 1
    assert len(lines) <= 12, lines


def test_an_idle_connection_is_announced_and_kept_for_as_long(small_system: System) -> None:
    small_system.start_api({"TELLER_KEEP_ALIVE_S": "1"})
    with connect(small_system.url) as connection:
        connection.sendall(GET + b"\r\n")
        [answer] = parse_all(connection.recv(65536))
        began = time.monotonic()

        assert answer.headers["keep-alive"] == "timeout=1"
        assert read_to_end(connection) == b""
        assert 0.9 < time.monotonic() - began < 5


def test_by_default_an_idle_connection_is_kept_for_75_seconds(system: System) -> None:
    caller = Caller(system.url)
    kept, closed = caller.get("/healthz"), caller.get("/healthz", headers={"Connection": "close"})
    caller.close()

    assert kept.headers["keep-alive"] == "timeout=75"
    assert "keep-alive" not in closed.headers
