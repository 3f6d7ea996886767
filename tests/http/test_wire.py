"""What no HTTP library would send: framing, versions, sizes and pipelines, byte by byte. What cannot be read is a problem too."""

import select
from collections import Counter

import pytest

from api.http.problems import KINDS
from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.http.bodies import MARK
from tests.http.conftest import Count
from tests.http.raw import connect, exchange, parse, parse_all, read_to_end
from tests.system import System

GET = b"GET /healthz HTTP/1.1\r\nHost: t\r\n"
POST = (
    b"POST /v1/deposits HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + OPERATOR_KEY.encode() + b"\r\n"
    b"Idempotency-Key: Zq7xMark\r\nContent-Type: application/json\r\n"
)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
BODY = b'{"wallet_id": "WALLET", "amount": 5}'  # of 60 bytes, once it holds a wallet's id

NOT_HTTP: dict[str, bytes] = {
    "garbage": b"Zq7xMark\r\n\r\n",
    "bytes at random": bytes(range(256)),
    "a TLS hello": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x00" * 200,
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/2 in words": b"GET /healthz HTTP/2.0\r\nHost: t\r\n\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\nHost: t\r\n\r\n",
    "HTTP/0.9": b"GET /healthz HTTP/0.9\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "http in lower case": b"GET /healthz http/1.1\r\nHost: t\r\n\r\n",
    "an unknown method": b"FOO /v1/transfers HTTP/1.1\r\nHost: t\r\n\r\n",
    "a method in lower case": b"get /healthz HTTP/1.1\r\nHost: t\r\n\r\n",
    "a tunnel": b"CONNECT t:443 HTTP/1.1\r\nHost: t:443\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: t\r\n\r\n",
    "two Hosts in HTTP/1.0": b"GET /healthz HTTP/1.0\r\nHost: t\r\nHost: u\r\n\r\n",
    "bytes above ASCII in the path": b"GET /v1/transfers/\xff HTTP/1.1\r\nHost: t\r\n\r\n",
    "bytes above ASCII in the query": b"GET /healthz?\xff HTTP/1.1\r\nHost: t\r\n\r\n",
    "NUL in the path": b"GET /healthz\x00 HTTP/1.1\r\nHost: t\r\n\r\n",
    "a tab in the path": b"GET /health\tz HTTP/1.1\r\nHost: t\r\n\r\n",
    "a space in the path": b"GET /health z HTTP/1.1\r\nHost: t\r\n\r\n",
    "a fragment": b"GET /healthz#Zq7xMark HTTP/1.1\r\nHost: t\r\n\r\n",
    "a path without a slash": b"GET healthz HTTP/1.1\r\nHost: t\r\n\r\n",
    "a target that is a host": b"GET t:80 HTTP/1.1\r\nHost: t\r\n\r\n",
    "an absolute target without a path": b"GET http://t HTTP/1.1\r\nHost: t\r\n\r\n",
    "a header without a colon": GET + b"Zq7xMark\r\n\r\n",
    "a header without a name": GET + b": Zq7xMark\r\n\r\n",
    "a space in a header's name": GET + b"A B: Zq7xMark\r\n\r\n",
    "a space before a colon": GET + b"A : Zq7xMark\r\n\r\n",
    "a folded header": GET + b"A: Zq7x\r\n Mark\r\n\r\n",
    "a control character in a header": POST + b"A: a\x01b\r\nContent-Length: 2\r\n\r\n{}",
    "DEL in a header": POST + b"A: a\x7f\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in a header": POST + b"A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "lines that end in LF alone": b"GET /healthz HTTP/1.1\nHost: t\n\n",
    "lines that end in CR alone": b"GET /healthz HTTP/1.1\rHost: t\r\r",
    "two lengths": POST + b"Content-Length: 60\r\nContent-Length: 61\r\n\r\n" + BODY,
    "the same length twice": POST + b"Content-Length: 60\r\nContent-Length: 60\r\n\r\n" + BODY,
    "a list of lengths": POST + b"Content-Length: 60, 60\r\n\r\n" + BODY,
    "an empty length": POST + b"Content-Length:\r\n\r\n" + BODY,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + BODY,
    "a length with a sign": POST + b"Content-Length: +60\r\n\r\n" + BODY,
    "a length in hexadecimal": POST + b"Content-Length: 0x3c\r\n\r\n" + BODY,
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    "length and chunks": POST + b"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": CHUNKED + b"Content-Length: 60\r\n\r\n0\r\n\r\n",
    "chunks twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks that are not the last coding": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "gzip in chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "gzip without chunks": POST + b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n" + BODY,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a coding after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a coding before a space and colon": POST + b"Transfer-Encoding : chunked\r\n\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + b"\r\n3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk of no size": CHUNKED + b"\r\nZZ\r\n" + BODY,
    "a chunk of negative size": CHUNKED + b"\r\n-1\r\n" + BODY,
    "a chunk's size with 0x": CHUNKED + b"\r\n0x3c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk's size with a space": CHUNKED + b"\r\n3c \r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk beyond 64 bits": CHUNKED + b"\r\nfffffffffffffffff\r\n" + BODY,
    "a chunk that is longer than its size": CHUNKED + b"\r\n3b\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks that end in LF alone": CHUNKED + b"\r\n3c\n" + BODY + b"\n0\n\n",
}

TOO_LARGE: dict[str, bytes] = {
    "one header": GET + b"A: " + b"x" * 100 * 1024 + b"\r\n\r\n",
    "one header without an end": GET + b"A: " + b"x" * 3_000_000,
    "many headers": GET + b"A: xxxxxxxx\r\n" * 9000 + b"\r\n",
    "the name of a header": GET + b"A" * 100 * 1024 + b": x\r\n\r\n",
    "the path": b"GET /" + b"a" * 100 * 1024 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
    "the query": b"GET /v1/transfers?cursor=" + b"a" * 100 * 1024 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
}

REFUSED = {name: (request, "malformed_request") for name, request in NOT_HTTP.items()} | {
    f"too large: {name}": (request, "headers_too_large") for name, request in TOO_LARGE.items()
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_a_problem_and_the_end_of_the_connection(caller: Caller, count_stored: Count, case: str) -> None:
    request, code = REFUSED[case]
    request = request.replace(b"WALLET", caller.new_wallet().encode())
    before = count_stored()

    response = exchange(caller.url, request)

    [answer] = parse_all(response)
    assert (answer.status, answer.code) == (KINDS[code].status, code)
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"] == answer.body["request_id"]
    assert "server" not in answer.headers
    assert MARK.encode() not in response
    assert count_stored() == before


@pytest.mark.parametrize("target", [b"http://", b"http://a:99999999/", b"http://[::1"])
def test_a_target_that_is_not_valid_is_refused_to_a_head_without_a_body(caller: Caller, target: bytes) -> None:
    head, _, body = exchange(caller.url, b"HEAD " + target + b" HTTP/1.1\r\nHost: t\r\n\r\n").partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert body == b""


def test_a_head_of_64_kib_is_read(caller: Caller) -> None:
    head = GET + b"Connection: close\r\nA: "
    fits = head + b"x" * (64 * 1024 - len(head) - 4) + b"\r\n\r\n"

    assert parse(exchange(caller.url, fits)).status == 200


def test_a_large_head_is_refused_in_pieces_too(caller: Caller) -> None:
    with connect(caller.url) as connection:
        connection.sendall(GET + b"A: " + b"x" * 50_000)
        select.select([connection], [], [], 0.05)  # time to read it alone; when it was not, this is one large head
        connection.sendall(b"x" * 50_000 + b"\r\n\r\n")

        [answer] = parse_all(read_to_end(connection))

    assert answer.code == "headers_too_large"


def test_what_comes_after_a_refusal_is_read_and_does_nothing(caller: Caller, count_stored: Count) -> None:
    rest = b"\r\n" + deposit(caller.new_wallet()).partition(b"\r\n")[2]
    before = count_stored()
    with connect(caller.url) as connection:
        connection.sendall(b"POST /v1/deposits HTTP/1.1\r\nA: " + b"x" * 100_000)
        assert select.select([connection], [], [], 10)[0], "no answer"
        for _ in range(10):
            connection.sendall(b"x" * 10_000)  # would be reset, had the server closed
        connection.sendall(rest)

        [answer] = parse_all(read_to_end(connection))

    assert answer.code == "headers_too_large"
    assert count_stored() == before


OTHER_FORMS: dict[str, bytes] = {
    "HTTP/1.0 without Host": b"GET /healthz HTTP/1.0\r\n\r\n",
    "HTTP/1.0 that would stay": b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "an absolute target": b"GET http://somewhere.else/healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
    "empty lines before": b"\r\n\r\n" + GET + b"Connection: close\r\n\r\n",
    "header names in any case": GET.replace(b"Host", b"hOST") + b"CONNECTION: close\r\n\r\n",
    "an upgrade to what is not spoken": GET + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
    "a web socket": GET + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
}


@pytest.mark.parametrize("case", OTHER_FORMS)
def test_other_forms_of_a_good_request_are_answered(shared_system: System, case: str) -> None:
    [answer] = parse_all(exchange(shared_system.url, OTHER_FORMS[case]))

    assert (answer.status, answer.body) == (200, {"status": "ok"})
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("target", ["*", "http://t/nothing", "//healthz", "/healthz%00", "/v1%2ftransfers", "/%68ealthz"])
def test_other_targets_lead_nowhere(shared_system: System, target: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {OPERATOR_KEY}\r\nConnection: close\r\n\r\n"

    [answer] = parse_all(exchange(shared_system.url, request.encode()))

    assert (answer.status, answer.code) == (404, "not_found")


def deposit(wallet: str, *headers: str, body: bytes | None = None) -> bytes:
    content = body if body is not None else BODY.replace(b"WALLET", wallet.encode())
    lines = [f"Idempotency-Key: {new_key()}", f"Content-Length: {len(content)}", *headers]
    head = POST.replace(b"Idempotency-Key: Zq7xMark\r\n", b"")
    return head + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + content


def test_pipelined_requests_are_answered_in_order(caller: Caller) -> None:
    wallet = caller.new_wallet()
    requests = [
        deposit(wallet),
        GET + b"\r\n",
        deposit(wallet, body=b"{"),
        deposit(wallet),
        GET.replace(b"/healthz", b"/v1/nothing") + b"Connection: close\r\n\r\n",
        GET + b"\r\n",
    ]

    answers = parse_all(exchange(caller.url, b"".join(requests)))

    assert [answer.status for answer in answers] == [202, 200, 400, 202, 404]


def test_thousands_of_pipelined_requests_are_each_given_their_own_time_and_size(caller: Caller) -> None:
    """Together they last longer than a request may wait for the database, and are larger than one head may be."""
    get = b"GET /v1/wallets/wal_01h455vb4pex5vsknk084sn02q HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + OPERATOR_KEY.encode()
    requests = [get + b"\r\n\r\n"] * 3000

    answers = parse_all(exchange(caller.url, b"".join(requests) + get + b"\r\nConnection: close\r\n\r\n"))

    assert Counter(answer.status for answer in answers) == {404: 3001}


@pytest.mark.parametrize(
    "end",
    [
        b"Zq7xMark\r\n\r\n",
        GET.replace(b"Host: t\r\n", b"") + b"\r\n",
        CHUNKED + b"\r\nZZ\r\n",
        GET + b"A: " + b"x" * 200_000,
    ],
    ids=["garbage", "no Host", "a bad chunk", "a large head"],
)
def test_what_cannot_be_read_is_answered_after_what_was_sent_before_it(caller: Caller, end: bytes) -> None:
    wallet = caller.new_wallet()

    answers = parse_all(exchange(caller.url, deposit(wallet) + deposit(wallet) + end))

    assert [answer.status for answer in answers[:2]] == [202, 202]
    [refused] = answers[2:]
    assert refused.code in {"malformed_request", "headers_too_large"}
    for answer in answers[:2]:
        assert caller.get(f"/v1/transfers/{answer.body['id']}").status == 200


def test_fields_after_a_chunked_body_are_no_headers(caller: Caller, count_stored: Count) -> None:
    wallet = caller.new_wallet()
    before = count_stored()
    head = CHUNKED.replace(b"Idempotency-Key: Zq7xMark\r\n", b"") + b"Connection: close\r\n"
    chunks = b"\r\n3c\r\n" + BODY.replace(b"WALLET", wallet.encode()) + b"\r\n0\r\nIdempotency-Key: Zq7xMark\r\n\r\n"

    answer = parse(exchange(caller.url, head + chunks))

    assert (answer.status, answer.code) == (400, "idempotency_key_missing")
    assert count_stored() == before


def test_a_chunks_extension_is_ignored(caller: Caller) -> None:
    body = BODY.replace(b"WALLET", caller.new_wallet().encode())
    head = CHUNKED.replace(b"Zq7xMark", new_key().encode()) + b"Connection: close\r\n"

    assert parse(exchange(caller.url, head + b'\r\n3c;a="b"\r\n' + body + b"\r\n0\r\n\r\n")).status == 202


def test_a_caller_that_asks_first_is_told_to_go_on(caller: Caller) -> None:
    received = exchange(caller.url, deposit(caller.new_wallet(), "Expect: 100-continue", "Connection: close"))

    first, _, rest = received.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 100 Continue"
    assert parse(rest).status == 202


def test_a_refused_request_keeps_its_id_when_it_was_read_so_far(shared_system: System) -> None:
    good = GET + b"X-Request-Id: first\r\n\r\n"
    bad = CHUNKED + b"X-Request-Id: mine\r\n\r\nZZ\r\n"

    answers = parse_all(exchange(shared_system.url, good + bad))
    answers += parse_all(exchange(shared_system.url, good + b"Zq7xMark\r\n\r\n"))

    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids[:3] == ["first", "mine", "first"]
    assert len(ids[3]) == 32
    assert [answer.body["instance"] for answer in (answers[1], answers[3])] == ["/v1/deposits", "/"]
