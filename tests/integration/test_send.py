"""One attempt to deliver a webhook: to receivers that behave and to receivers that do not, all of them real servers."""

import asyncio
import random
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psutil  # type: ignore[import-untyped]
import pytest
import trustme
import uvloop
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given, settings
from hypothesis import strategies as st

from core.webhooks.signing import make_secret, sign
from tests.receivers import PACE_S, Behaviour, answer, hang, naming, receiving, repeat, reset_after, say, wait_for_all
from worker.webhooks.guard import ADDRESSES_MAX, READ_MAX_BYTES, AddressForbidden, GuardedResolver, GuardedSocket, make_resolver
from worker.webhooks.send import Attempt, Fault, Sender

BODY = b'{"type":"transfer.applied"}'
HEADERS = sign("evt_01h455vb4pex5vsknk084sn02q", 1614265330, BODY, [make_secret()])

SHORT_S = 0.3  # for attempts that must run out of time
LONG_S = 60.0  # for attempts that must not

NAME = "hooks.example.com"


class Answers(AbstractResolver):
    """A resolver's answers, one after the other; the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0
        self.closed = False

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        self.asked += 1
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in addresses
        ]

    async def close(self) -> None:
        self.closed = True


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


async def send_to(behaviour: Behaviour, within_s: float = LONG_S) -> Attempt:
    """Send to a receiver that behaves so, over plain HTTP."""
    async with receiving(behaviour) as receiver, Sender(allow_private=True, within_s=within_s) as sender:
        return await sender.send(f"http://127.0.0.1:{receiver.port}/", BODY, HEADERS)


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


# What is sent.


def test_a_webhook_arrives_byte_for_byte_with_its_signature_and_nothing_of_ours() -> None:
    async def test() -> None:
        async with receiving(answer("204 No Content")) as receiver, Sender(allow_private=True) as sender:
            attempt = await sender.send(f"http://127.0.0.1:{receiver.port}/a/../b%2e?c=%C3%A9;d", BODY, HEADERS)

        assert (attempt.status, attempt.fault, attempt.succeeded) == (204, None, True)
        head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
        request, *lines = head.decode().split("\r\n")
        assert request == "POST /a/../b%2e?c=%C3%A9;d HTTP/1.1"
        assert dict(line.split(": ", 1) for line in lines) == {
            **HEADERS,
            "Host": f"127.0.0.1:{receiver.port}",
            "Content-Type": "application/json",
            "Content-Length": str(len(BODY)),
            "User-Agent": "Teller-Webhooks/1",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        assert body == BODY

    run(test)


def test_nothing_of_one_attempt_is_left_for_the_next() -> None:
    async def test() -> None:
        cookie = answer("200 OK", "Set-Cookie: a=b\r\n")
        async with receiving(cookie) as receiver, Sender(allow_private=True) as sender:
            for _ in range(2):
                await sender.send(f"http://127.0.0.1:{receiver.port}/", BODY, HEADERS)

        assert receiver.connected == 2
        assert receiver.requests[0] == receiver.requests[1]

    run(test)


def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login teller password swordfish\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    async def test() -> None:
        async with receiving(answer("200 OK")) as proxy, receiving(answer("200 OK")) as receiver:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            async with Sender(allow_private=True) as sender:
                await sender.send(f"http://127.0.0.1:{receiver.port}/", BODY, HEADERS)

        assert (proxy.connected, receiver.connected) == (0, 1)
        assert b"authorization" not in receiver.requests[0].lower()

    run(test)


# What is answered.


@pytest.mark.parametrize(
    ("status", "succeeded", "gone"),
    [
        ("200 OK", True, False),
        ("202 Accepted", True, False),
        ("204 No Content", True, False),
        ("299 Fine", True, False),
        ("301 Moved Permanently", False, False),
        ("304 Not Modified", False, False),
        ("400 Bad Request", False, False),
        ("404 Not Found", False, False),
        ("410 Gone", False, True),
        ("429 Too Many Requests", False, False),
        ("500 Internal Server Error", False, False),
        ("503 Service Unavailable", False, False),
    ],
)
def test_the_status_says_whether_it_succeeded(status: str, succeeded: bool, gone: bool) -> None:
    attempt = asyncio.run(send_to(answer(status)))

    assert (attempt.status, attempt.succeeded, attempt.gone) == (int(status[:3]), succeeded, gone)
    assert attempt.fault is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Retry-After: 120\r\n", 120), ("Retry-After: 99999999\r\n", 86_400), ("Retry-After: soon\r\n", None), ("", None)],
)
def test_retry_after_is_told(header: str, seconds: float | None) -> None:
    assert asyncio.run(send_to(answer("429 Too Many Requests", header))).retry_after_s == seconds


def test_retry_after_may_be_a_date() -> None:
    date = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    attempt = asyncio.run(send_to(answer("503 Service Unavailable", f"Retry-After: {date}\r\n")))

    assert attempt.retry_after_s == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_a_failure_and_is_not_followed(status: str) -> None:
    async def test() -> None:
        async with receiving(answer("200 OK")) as target:
            location = f"Location: http://127.0.0.1:{target.port}/\r\n"
            attempt = await send_to(answer(status, location))

        assert (attempt.status, attempt.succeeded, target.connected) == (int(status[:3]), False, 0)

    run(test)


def test_nothing_is_unpacked_so_that_no_bomb_goes_off() -> None:
    """The body is not gzip, as its header says it is. Unpacking it would fail at once, before the time is up."""
    attempt = asyncio.run(send_to(repeat(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnone", b"x", PACE_S), within_s=SHORT_S))

    assert (attempt.status, attempt.fault) == (200, None)
    assert attempt.duration_s >= SHORT_S


# What a receiver does instead of answering.


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        repeat(b"HTTP/1.1 200 ", b"O", PACE_S),
        repeat(b"HTTP/1.1 200 OK\r\nX: ", b"x", PACE_S),
        repeat(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", PACE_S),
    ],
    ids=["hangs", "drips its first line", "drips a header", "drips headers"],
)
def test_a_receiver_that_does_not_answer_in_time_is_left(behaviour: Behaviour) -> None:
    async def test() -> None:
        async with receiving(behaviour) as receiver, Sender(allow_private=True, within_s=SHORT_S) as sender:
            attempt = await sender.send(f"http://127.0.0.1:{receiver.port}/", BODY, HEADERS)
            await asyncio.wait_for(receiver.left.wait(), 20)  # the connection is closed, not forgotten

        assert (attempt.status, attempt.fault) == (None, Fault.TIMED_OUT)
        assert attempt.duration_s >= SHORT_S

    run(test)


def test_a_receiver_that_accepts_no_connection_is_left_in_time() -> None:
    async def test() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            async with Sender(allow_private=True, within_s=SHORT_S) as sender:
                attempt = await sender.send(f"http://127.0.0.1:{port}/", BODY, HEADERS)
            for one in waiting:
                one.close()

        assert attempt.fault == Fault.TIMED_OUT

    run(test)


def test_where_no_receiver_listens_nothing_is_delivered() -> None:
    async def test() -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            async with Sender(allow_private=True, within_s=LONG_S) as sender:
                attempt = await sender.send(f"http://127.0.0.1:{silent.getsockname()[1]}/", BODY, HEADERS)

        assert (attempt.status, attempt.fault) == (None, Fault.NOT_CONNECTED)

    run(test)


@pytest.mark.parametrize(
    "behaviour",
    [
        repeat(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        repeat(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
        repeat(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000),
        repeat(b"HTTP/1.1 200 ", b"x" * 1000),
    ],
    ids=["interim answers", "headers", "a header", "a reason"],
)
def test_a_receiver_that_answers_without_end_is_left_at_once(behaviour: Behaviour) -> None:
    attempt = asyncio.run(send_to(behaviour))

    assert attempt.status is None
    assert attempt.fault in (Fault.ANSWER_TOO_LARGE, Fault.ANSWER_INVALID)


@pytest.mark.parametrize(
    "behaviour",
    [
        repeat(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000),
        repeat(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 1000),
        repeat(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"),
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"),
    ],
    ids=["endless", "endless by its length", "endless chunks", "reset", "cut off"],
)
def test_whatever_comes_after_the_status_the_status_counts(behaviour: Behaviour) -> None:
    attempt = asyncio.run(send_to(behaviour))

    assert (attempt.status, attempt.fault) == (200, None)
    assert attempt.duration_s < LONG_S / 2  # none of them is waited for


def test_a_body_that_drips_takes_its_time_and_no_more() -> None:
    attempt = asyncio.run(send_to(repeat(b"HTTP/1.1 200 OK\r\n\r\n", b"x", PACE_S), within_s=SHORT_S))

    assert (attempt.status, attempt.fault) == (200, None)
    assert attempt.duration_s >= SHORT_S


def test_a_receiver_that_does_not_close_tls_keeps_no_connection_open(authority: trustme.CA) -> None:
    """asyncio would wait for the other side of a TLS connection to agree to its end, for half a minute."""

    async def ignore(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = cast(asyncio.Transport, writer.transport)
        transport.pause_reading()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async def test() -> None:
        async with (
            receiving(ignore, tls=serving(authority.issue_cert(NAME))) as receiver,
            Sender(allow_private=True, resolver=Answers(["127.0.0.1"]), tls=trusting(authority)) as sender,
        ):
            assert (await sender.send(f"https://{NAME}:{receiver.port}/", BODY, HEADERS)).status == 200
            async with asyncio.timeout(10):
                while connected_to(receiver.port):  # noqa: ASYNC110 - the kernel sets no event
                    await asyncio.sleep(PACE_S)

    run(test)


def connected_to(port: int) -> bool:
    connections = psutil.Process().net_connections("tcp")
    return any(one.raddr and one.raddr.port == port for one in connections)


def test_no_more_is_read_than_the_bound() -> None:
    """The receiver writes until its connection ends, so it knows how much left it: what was read, and what the kernel holds."""
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()
            sent += 1000

    attempt = asyncio.run(send_to(flood))

    assert attempt.status == 200
    assert sent < 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [
        (say(b""), Fault.DISCONNECTED),
        (say(b"HTTP/1.1 200 OK\r\nX: "), Fault.DISCONNECTED),
        (reset_after(b""), Fault.DISCONNECTED),
        (reset_after(b"HTTP/1.1 200 OK\r\nX: "), Fault.DISCONNECTED),
        (say(b"SSH-2.0-OpenSSH_9.6\r\n"), Fault.ANSWER_INVALID),
        (say(b"220 mail.example.com ESMTP\r\n"), Fault.ANSWER_INVALID),
        (say(b"HTTP/1.1 2000 OK\r\n\r\n"), Fault.ANSWER_INVALID),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Fault.ANSWER_INVALID),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), Fault.ANSWER_INVALID),
    ],
)
def test_what_is_no_answer_is_named(behaviour: Behaviour, fault: Fault) -> None:
    attempt = asyncio.run(send_to(behaviour))

    assert (attempt.status, attempt.fault) == (None, fault)


def test_switching_protocols_is_no_success() -> None:
    attempt = asyncio.run(send_to(say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")))

    assert not attempt.succeeded


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda status, lines, body: (
                b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
            ),
            st.one_of(st.binary(max_size=8), st.integers(0, 1200).map(lambda code: b"%d x" % code)),
            st.lists(
                st.one_of(
                    st.binary(max_size=30), st.sampled_from([b"Transfer-Encoding: chunked", b"Set-Cookie: ;=;", b"Retry-After: x"])
                )
            ),
            st.binary(max_size=100),
        ),
    )
)
@pytest.mark.long
def test_nothing_that_a_receiver_says_is_raised(said: bytes) -> None:
    attempt = asyncio.run(send_to(say(said), within_s=5))

    assert (attempt.status is None) != (attempt.fault is None)


# Where it may go.


def test_a_url_that_is_forbidden_is_not_sent_to() -> None:
    async def test() -> None:
        async with receiving(answer("200 OK")) as receiver, Sender() as sender:
            attempt = await sender.send(f"http://127.0.0.1:{receiver.port}/", BODY, HEADERS)

        assert (attempt.fault, receiver.connected) == (Fault.URL_FORBIDDEN, 0)

    run(test)


def a_loopback_address() -> str:
    """One of the sixteen million, so that tests that run at once can all have port 8443."""
    return str(f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}")


@pytest.mark.parametrize(
    "others",
    [[], ["93.184.215.14"], ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]],
    ids=["alone", "behind a public one", "behind two"],
)
@pytest.mark.parametrize("form", ["{}", "::ffff:{}"], ids=["IPv4", "IPv4-mapped IPv6"])
def test_a_name_that_leads_inside_is_refused_whole(authority: trustme.CA, others: list[str], form: str) -> None:
    """The same name, receiver and certificate are reached where private addresses are allowed: only the rule stands between."""

    async def test() -> None:
        address = a_loopback_address()
        inside = Answers([*others, form.format(address)])
        async with receiving(answer("200 OK"), tls=serving(authority.issue_cert(NAME)), host=address, port=8443) as receiver:
            async with Sender(resolver=inside, tls=trusting(authority)) as sender:
                attempt = await sender.send(f"https://{NAME}:8443/", BODY, HEADERS)
            assert (attempt.fault, receiver.connected) == (Fault.ADDRESS_FORBIDDEN, 0)

            async with Sender(resolver=Answers([address]), tls=trusting(authority), allow_private=True) as sender:
                assert (await sender.send(f"https://{NAME}:8443/", BODY, HEADERS)).status == 200

    run(test)


def test_a_name_is_looked_up_each_time_and_the_address_checked_is_the_address_used() -> None:
    async def test() -> None:
        rebinding = Answers(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"], ["127.0.0.1", "169.254.169.254"])
        async with receiving(answer("200 OK")) as receiver, Sender(allow_private=True, resolver=rebinding) as sender:
            attempts = [await sender.send(f"http://{NAME}:{receiver.port}/", BODY, HEADERS) for _ in range(4)]

        assert [attempt.status for attempt in attempts] == [200, None, 200, None]
        assert [attempt.fault for attempt in attempts] == [None, Fault.ADDRESS_FORBIDDEN] * 2
        assert (rebinding.asked, receiver.connected) == (4, 2)
        assert rebinding.closed

    run(test)


def test_the_socket_refuses_what_passed_the_resolver() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        GuardedSocket(socket.AF_INET, allow_private=True) as allowed,
        GuardedSocket(socket.AF_INET, allow_private=False) as guarded,
    ):
        allowed.connect(server.getsockname())
        with pytest.raises(AddressForbidden):
            guarded.connect(server.getsockname())


def test_an_event_loop_that_would_pass_the_socket_by_is_refused() -> None:
    async def test() -> None:
        with pytest.raises(TypeError, match="event loop"):
            Sender()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())


def test_few_addresses_of_a_name_are_tried() -> None:
    async def test() -> None:
        many = [f"127.0.1.{last}" for last in range(1, 200)]
        resolver = GuardedResolver(Answers(many), allow_private=True)

        assert [one["host"] for one in await resolver.resolve(NAME, 443)] == many[:ADDRESSES_MAX]

    run(test)


# TLS.


async def send_tls(authority: trustme.CA, certificate: trustme.LeafCert) -> Attempt:
    async with (
        receiving(answer("200 OK"), tls=serving(certificate)) as receiver,
        Sender(allow_private=True, resolver=Answers(["127.0.0.1"]), tls=trusting(authority)) as sender,
    ):
        return await sender.send(f"https://{NAME}:{receiver.port}/", BODY, HEADERS)


def test_a_certificate_of_the_name_by_a_known_authority_is_accepted(authority: trustme.CA) -> None:
    assert asyncio.run(send_tls(authority, authority.issue_cert(NAME))).status == 200


def test_a_certificate_of_another_name_is_refused(authority: trustme.CA) -> None:
    assert asyncio.run(send_tls(authority, authority.issue_cert("other.example.com"))).fault == Fault.TLS_FAILED


def test_a_certificate_of_the_address_is_refused(authority: trustme.CA) -> None:
    assert asyncio.run(send_tls(authority, authority.issue_cert("127.0.0.1"))).fault == Fault.TLS_FAILED


def test_an_expired_certificate_is_refused(authority: trustme.CA) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)

    assert asyncio.run(send_tls(authority, authority.issue_cert(NAME, not_after=yesterday))).fault == Fault.TLS_FAILED


def test_a_certificate_by_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    assert asyncio.run(send_tls(authority, trustme.CA().issue_cert(NAME))).fault == Fault.TLS_FAILED


def test_the_systems_authorities_are_the_known_ones_when_none_are_given(authority: trustme.CA) -> None:
    async def test() -> None:
        tls = serving(authority.issue_cert(NAME))
        async with (
            receiving(answer("200 OK"), tls=tls) as receiver,
            Sender(allow_private=True, resolver=Answers(["127.0.0.1"])) as sender,
        ):
            assert (await sender.send(f"https://{NAME}:{receiver.port}/", BODY, HEADERS)).fault == Fault.TLS_FAILED

    run(test)


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [(answer("200 OK"), Fault.TLS_FAILED), (hang, Fault.TIMED_OUT), (reset_after(b""), Fault.NOT_CONNECTED)],
    ids=["speaks plain HTTP", "hangs", "resets"],
)
def test_a_receiver_that_does_not_speak_tls_is_refused(authority: trustme.CA, behaviour: Behaviour, fault: Fault) -> None:
    async def test() -> None:
        within_s = SHORT_S if fault == Fault.TIMED_OUT else LONG_S
        async with (
            receiving(behaviour, reads=False) as receiver,
            Sender(allow_private=True, within_s=within_s, resolver=Answers(["127.0.0.1"]), tls=trusting(authority)) as sender,
        ):
            attempt = await sender.send(f"https://{NAME}:{receiver.port}/", BODY, HEADERS)

        assert (attempt.status, attempt.fault) == (None, fault)

    run(test)


def test_the_bound_holds_inside_of_tls(authority: trustme.CA) -> None:
    async def test() -> None:
        endless = repeat(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n")
        tls = serving(authority.issue_cert(NAME))
        async with (
            receiving(endless, tls=tls) as receiver,
            Sender(allow_private=True, within_s=LONG_S, resolver=Answers(["127.0.0.1"]), tls=trusting(authority)) as sender,
        ):
            attempt = await sender.send(f"https://{NAME}:{receiver.port}/", BODY, HEADERS)

        assert (attempt.status, attempt.fault) == (None, Fault.ANSWER_TOO_LARGE)

    run(test)


# Names, by a real name server.


def test_a_name_is_asked_for_as_it_is_and_its_answer_used() -> None:
    async def test() -> None:
        async with naming({NAME: lambda: ["127.0.0.1"]}) as (names, port), receiving(answer("200 OK")) as receiver:
            resolver = make_resolver(nameservers=["127.0.0.1"], udp_port=port, domains=["corp.example.net"], ndots=15)
            async with Sender(allow_private=True, resolver=resolver) as sender:
                attempt = await sender.send(f"http://{NAME}:{receiver.port}/", BODY, HEADERS)

        assert attempt.status == 200
        assert names.asked == {NAME}

    run(test)


def test_a_name_without_an_address_is_named() -> None:
    async def test() -> None:
        async with (
            naming({NAME: list}) as (_, port),
            Sender(resolver=make_resolver(nameservers=["127.0.0.1"], udp_port=port)) as sender,
        ):
            attempt = await sender.send(f"https://{NAME}/", BODY, HEADERS)

        assert (attempt.status, attempt.fault) == (None, Fault.NAME_NOT_FOUND)

    run(test)


def test_a_name_without_an_answer_from_dns_is_left_in_time() -> None:
    async def test() -> None:
        async with (
            naming({}) as (_, port),
            Sender(resolver=make_resolver(nameservers=["127.0.0.1"], udp_port=port), within_s=SHORT_S) as sender,
        ):
            attempt = await sender.send(f"https://{NAME}/", BODY, HEADERS)

        assert (attempt.status, attempt.fault) == (None, Fault.TIMED_OUT)

    run(test)


def test_a_name_that_leads_inside_is_refused() -> None:
    async def test() -> None:
        async with (
            naming({NAME: lambda: ["93.184.215.14", "10.0.0.1"]}) as (_, port),
            Sender(resolver=make_resolver(nameservers=["127.0.0.1"], udp_port=port)) as sender,
        ):
            attempt = await sender.send(f"https://{NAME}/", BODY, HEADERS)

        assert (attempt.status, attempt.fault) == (None, Fault.ADDRESS_FORBIDDEN)

    run(test)


# No receiver holds up another. Only the order of events counts: one that hangs would do so for a minute.

IN_FLIGHT = 120


def test_many_that_hang_hold_up_no_other() -> None:
    async def test() -> None:
        async with (
            receiving(hang) as dead,
            receiving(answer("200 OK")) as alive,
            Sender(allow_private=True, within_s=LONG_S) as sender,
        ):
            hanging = [asyncio.create_task(sender.send(f"http://127.0.0.1:{dead.port}/", BODY, HEADERS)) for _ in range(IN_FLIGHT)]
            await wait_for_all(dead.arrivals, IN_FLIGHT)

            attempt = await sender.send(f"http://127.0.0.1:{alive.port}/", BODY, HEADERS)

            assert attempt.status == 200
            assert not any(task.done() for task in hanging)
            await stop(hanging)

    run(test)


def test_many_names_without_an_answer_from_dns_hold_up_no_other() -> None:
    async def test() -> None:
        async with naming({NAME: lambda: ["127.0.0.1"]}) as (names, port), receiving(answer("200 OK")) as alive:
            resolver = make_resolver(nameservers=["127.0.0.1"], udp_port=port, timeout=LONG_S)
            async with Sender(allow_private=True, within_s=LONG_S, resolver=resolver) as sender:
                hanging = [
                    asyncio.create_task(sender.send(f"http://dead{number}.example.com/", BODY, HEADERS))
                    for number in range(IN_FLIGHT)
                ]
                await wait_for_all(names.arrivals, IN_FLIGHT)

                attempt = await sender.send(f"http://{NAME}:{alive.port}/", BODY, HEADERS)

                assert attempt.status == 200
                assert not any(task.done() for task in hanging)
                await stop(hanging)

    run(test)


async def stop(tasks: Sequence["asyncio.Task[Attempt]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_the_bound_is_what_the_contract_says() -> None:
    assert READ_MAX_BYTES == 64 * 1024
