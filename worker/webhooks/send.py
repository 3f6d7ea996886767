"""One attempt to deliver one webhook, whatever its receiver does."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from core.webhooks.callback_url import url_problem
from worker.webhooks.guard import AddressForbidden, AnswerTooLarge, GuardedResolver, GuardedSocket, make_resolver
from worker.webhooks.retry import read_retry_after

WITHIN_S = 15.0  # from the first DNS query to the last byte: the shortest that Standard Webhooks recommends

HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Teller-Webhooks/1",
    "Accept-Encoding": "identity",  # nothing is unpacked, whatever comes
}


class Fault(StrEnum):
    """Why there was no answer."""

    URL_FORBIDDEN = "url_forbidden"
    NAME_NOT_FOUND = "name_not_found"
    ADDRESS_FORBIDDEN = "address_forbidden"
    NOT_CONNECTED = "not_connected"
    TLS_FAILED = "tls_failed"
    DISCONNECTED = "disconnected"
    ANSWER_INVALID = "answer_invalid"
    ANSWER_TOO_LARGE = "answer_too_large"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of an attempt: an answer's status, or the fault for which there was none."""

    status: int | None
    fault: Fault | None
    duration_s: float
    retry_after_s: float | None = None  # what the answer asked for, a day at most

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def outcome(self) -> str:
        """The word for it, one of few: "succeeded", the class of another status, or the fault. Other statuses are no answer."""
        if self.succeeded:
            return "succeeded"
        if self.status is not None and 300 <= self.status < 600:
            return f"{self.status // 100}xx"
        return self.fault or Fault.ANSWER_INVALID

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more to be sent there, ever."""
        return self.status == HTTPStatus.GONE


class Sender:
    """Sends webhooks to addresses that callers have chosen; any number at a time, none in the way of another.

    Each attempt has a session and a connection of its own, and leaves nothing open: nothing of one is left over for the next, and
    where it leads is checked each time. `allow_private` is for development, see core/webhooks/callback_url.py.

    A context manager, made in the event loop where it is used, which has to be asyncio's own.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        within_s: float = WITHIN_S,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            raise TypeError("another event loop would pass by what GuardedSocket bounds")
        self._allow_private = allow_private
        self._within_s = within_s
        self._resolver = GuardedResolver(resolver or make_resolver(), allow_private=allow_private)
        self._tls = tls or ssl.create_default_context()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._resolver.close()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """POST the body, byte for byte, and return what became of it. Raises nothing for what a receiver does.

        The answer's status is all that counts: once it is there, nothing that the receiver does with the rest can take it back.
        """
        if url_problem(url, allow_private=self._allow_private):
            return Attempt(None, Fault.URL_FORBIDDEN, 0.0)
        began = time.monotonic()
        status, retry_after_s, fault = None, None, None
        try:
            async with asyncio.timeout(self._within_s), self._session() as session:
                response = await session.post(URL(url, encoded=True), data=body, headers=headers, allow_redirects=False)
                status = response.status
                retry_after_s = read_retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
                await read_out(response)
        except (aiohttp.ClientError, OSError) as error:
            fault = fault_of(error) if status is None else None
        return Attempt(status, fault, time.monotonic() - began, retry_after_s)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A session for one attempt. No connection outlives it, not even to take leave of its receiver."""
        sockets: list[GuardedSocket] = []

        def open_socket(address: aiohttp.AddrInfoType) -> GuardedSocket:
            sockets.append(GuardedSocket(address[0], allow_private=self._allow_private))
            return sockets[-1]

        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver,
                use_dns_cache=False,
                socket_factory=open_socket,
                ssl=self._tls,
                force_close=True,
            ),
            headers=HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # there is one clock for all, in send
        ) as session:
            try:
                yield session
            finally:
                for used in sockets:
                    used.end()


async def read_out(response: aiohttp.ClientResponse) -> None:
    """Read the rest and forget it: a receiver that is cut off while it answers would log a fault that is none."""
    try:
        async for _ in response.content.iter_any():
            pass
    finally:
        response.close()


def fault_of(error: Exception) -> Fault:
    """Return the word for what aiohttp raised before there was an answer."""
    causes = (error, error.__cause__)
    if any(isinstance(cause, AddressForbidden) for cause in causes):
        return Fault.ADDRESS_FORBIDDEN
    if any(isinstance(cause, AnswerTooLarge) for cause in causes):
        return Fault.ANSWER_TOO_LARGE
    for kind, fault in FAULTS.items():
        if isinstance(error, kind):
            return fault
    return Fault.DISCONNECTED


# The first that fits counts: aiohttp's errors descend from one another.
FAULTS: dict[type[Exception], Fault] = {
    TimeoutError: Fault.TIMED_OUT,
    aiohttp.ClientConnectorDNSError: Fault.NAME_NOT_FOUND,
    aiohttp.ClientSSLError: Fault.TLS_FAILED,
    aiohttp.ClientConnectorError: Fault.NOT_CONNECTED,
    aiohttp.ClientResponseError: Fault.ANSWER_INVALID,
}
