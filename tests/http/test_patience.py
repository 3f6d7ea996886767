"""A slow caller cannot hold a connection: late requests are refused, silent and deaf callers are cut off, idle ones stay.

Most tests here run the API's protocol with shorter limits (`HastyProtocol`). Time is up when a silent connection has been closed.
"""

import signal
import socket
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import uvicorn

from api.http.deadlines import LOOKS
from api.http.protocol import HttpProtocol
from tests.caller import Answer, Caller
from tests.http.conftest import Count
from tests.http.raw import connect, drip, exchange, parse_all, read_to_end
from tests.http.test_wire import CHUNKED, GET, POST, deposit
from tests.system import System
from tests.waiting import wait_for


def one(received: bytes) -> Answer:
    [answer] = parse_all(received)
    return answer


def wait_until_patience_ends(url: str) -> None:
    """Return when a connection that was silent from now on has been closed."""
    assert exchange(url, b"") == b""


def test_the_limits_of_the_api_end_within_ten_seconds() -> None:
    assert LOOKS * HttpProtocol.look_every_s >= 7
    assert (LOOKS + 1) * HttpProtocol.look_every_s <= 10
    assert (LOOKS + 1) * HttpProtocol.stopping_look_every_s <= 1


SLOW: dict[str, tuple[bytes, bytes]] = {
    "a head": (b"GET /healthz HTTP/1.1\r\n", b"A: b\r\n"),
    "a header": (GET + b"A: ", b"b"),
    "a body": (POST + b"Content-Length: 1000\r\n\r\n", b" "),
    "a body in chunks": (CHUNKED + b"\r\n", b"1\r\n \r\n"),
    "one endless chunk": (CHUNKED + b"\r\nffff\r\n", b" "),
    "the end of a chunked body": (CHUNKED + b"\r\n1\r\n \r\n0\r\n", b"A: b\r\n"),
    "a head after a good request": (GET + b"\r\n" + GET, b"A: b\r\n"),
    "a body after a good request": (GET + b"\r\n" + POST + b"Content-Length: 1000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_request_that_drips_is_refused(hasty_url: str, count_stored: Count, case: str) -> None:
    first, again = SLOW[case]
    before = count_stored()

    answers = parse_all(drip(hasty_url, first, again))

    assert (answers[-1].status, answers[-1].code) == (408, "request_timeout")
    assert answers[-1].headers["connection"] == "close"
    assert [answer.status for answer in answers[:-1]] == [200] * first.count(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
    assert count_stored() == before


HALF: dict[str, bytes] = {
    "a head": GET,
    "a body that is shorter than its length": POST + b"Content-Length: 1000\r\n\r\n{}",
    "a body in chunks": CHUNKED + b"\r\n2\r\n{}\r\n",
    "the next request, sent with the one before": GET + b"\r\n" + POST + b"Content-Length: 1000\r\n\r\n{}",
}


@pytest.mark.parametrize("case", HALF)
def test_half_a_request_is_refused(hasty_url: str, count_stored: Count, case: str) -> None:
    before = count_stored()

    answers = parse_all(exchange(hasty_url, HALF[case]))

    assert (answers[-1].status, answers[-1].code) == (408, "request_timeout")
    assert count_stored() == before


def test_the_rest_of_a_body_that_comes_too_late_is_read_and_changes_nothing(
    hasty_url: str, caller: Caller, count_stored: Count
) -> None:
    request = deposit(caller.new_wallet())
    before = count_stored()
    with connect(hasty_url) as connection:
        connection.sendall(request[:-5])
        assert one(read_to_end(connection)).code == "request_timeout"

        for late in (request[-5:], request, request):
            connection.sendall(late)  # a closed connection would refuse the third at the latest
            assert one(exchange(hasty_url, GET + b"Connection: close\r\n\r\n")).status == 200  # by now, that was read

    assert count_stored() == before


@pytest.mark.parametrize("again", [b"", b"\r\n"], ids=["silence", "empty lines"])
def test_a_connection_that_never_asks_is_closed_without_a_word(hasty_url: str, again: bytes) -> None:
    for _ in range(3):
        with suppress(ConnectionResetError):  # by bytes that were under way when the server closed
            assert drip(hasty_url, b"", again) == b""
            return
    pytest.fail("the system reset each of three connections")


def test_empty_lines_after_an_answer_do_not_hold_a_connection(hasty_url: str) -> None:
    assert one(drip(hasty_url, GET + b"\r\n", b"\r\n")).status == 200


def test_an_answer_that_came_before_the_body_is_the_only_one(hasty_url: str) -> None:
    unauthorized = POST.replace(b"Bearer", b"Basic") + b"Content-Length: 1000\r\n\r\n"

    assert one(drip(hasty_url, unauthorized, b" ")).status == 401


def test_a_body_that_is_ignored_does_not_hold_a_connection_when_it_ends(hasty_url: str) -> None:
    unauthorized = POST.replace(b"Bearer", b"Basic") + b"Content-Length: 4\r\n\r\n"
    with connect(hasty_url) as connection:
        connection.sendall(unauthorized)
        answer = connection.recv(65536)
        connection.sendall(b"    ")

        assert one(answer + read_to_end(connection)).status == 401


def test_a_caller_that_does_not_read_is_cut_off(hasty_url: str, hasty_server: uvicorn.Server) -> None:
    file = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: t\r\n\r\n"
    connections = hasty_server.server_state.connections
    wait_for(lambda: not connections, "other tests' connections to end")
    with connect(hasty_url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(file * 20)
        wait_for(lambda: len(connections) == 1, "the deaf caller's connection")

        wait_for(lambda: not connections, "the server to cut it off", within_s=4)


def test_an_idle_connection_may_be_used_again_after_more_time_than_a_request_has(hasty_url: str) -> None:
    with connect(hasty_url) as connection:
        connection.sendall(GET + b"\r\n")
        first = connection.recv(65536)
        wait_until_patience_ends(hasty_url)
        connection.sendall(GET + b"Connection: close\r\n\r\n")

        assert [answer.status for answer in parse_all(first + read_to_end(connection))] == [200, 200]


def test_a_request_that_waits_for_its_answer_is_not_late(hasty_url: str, shared_database: psycopg.Connection[Any]) -> None:
    authorized = POST.partition(b"\r\n")[2].partition(b"Idempotency-Key")[0]
    with connect(hasty_url) as connection:
        with shared_database.transaction():
            shared_database.execute("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")
            connection.sendall(b"GET /v1/clients HTTP/1.1\r\n" + authorized + b"\r\n" + GET)
            wait_until_patience_ends(hasty_url)
        received = connection.recv(65536)
        connection.sendall(b"Connection: close\r\n\r\n")

        assert [answer.status for answer in parse_all(received + read_to_end(connection))] == [200, 200]


def test_a_caller_that_leaves_in_the_midst_of_a_body_leaves_nothing(hasty_url: str, caller: Caller, count_stored: Count) -> None:
    wallet = caller.new_wallet()
    before = count_stored()

    with connect(hasty_url) as connection:
        connection.sendall(deposit(wallet)[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""

    assert count_stored() == before


def test_a_stop_does_not_wait_for_half_a_request(own_system: System) -> None:
    api = own_system.start_api()
    caller = own_system.caller()
    wallet = caller.new_wallet()
    caller.close()
    with connect(own_system.url) as body, connect(own_system.url) as head, connect(own_system.url) as silent:
        body.sendall(deposit(wallet, "Expect: 100-continue")[:-1])
        assert body.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        head.sendall(GET)
        api.send_signal(signal.SIGTERM)

        assert api.wait(5) == 0
        assert one(read_to_end(body)).code == "request_timeout"
        assert (read_to_end(head), read_to_end(silent)) == (b"", b"")
