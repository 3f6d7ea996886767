"""One attempt to deliver one webhook: one POST, bounded in time and bytes, with a result for each behaviour of a receiver."""

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
    "Accept-Encoding": "identity",  # answers are never unpacked
}


class Fault(StrEnum):
    """Why an attempt has no answer."""

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
    """The result of an attempt: the answer's status, or the fault because of which there is no answer."""

    status: int | None
    fault: Fault | None
    duration_s: float
    retry_after_s: float | None = None  # the answer's Retry-After, a day at most

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def outcome(self) -> str:
        """The label in metrics: "succeeded", the class of another status, or the fault. Other statuses are no answer."""
        if self.succeeded:
            return "succeeded"
        if self.status is not None and 300 <= self.status < 600:
            return f"{self.status // 100}xx"
        return self.fault or Fault.ANSWER_INVALID

    @property
    def gone(self) -> bool:
        """Whether the receiver asked for no further webhooks: status 410."""
        return self.status == HTTPStatus.GONE


class Sender:
    """Sends webhooks to URLs that callers have chosen, any number at the same time; attempts do not wait for each other.

    Each attempt has a session and a connection of its own, and closes both. So no state passes from one attempt to the next, and
    each attempt checks the receiver's address. `allow_private` is for development, see core/webhooks/callback_url.py.

    A context manager. Make it in the event loop where it is used. Raises TypeError if that is not asyncio's own.
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
            raise TypeError("another event loop would bypass GuardedSocket")
        self._allow_private = allow_private
        self._within_s = within_s
        self._resolver = GuardedResolver(resolver or make_resolver(), allow_private=allow_private)
        self._tls = tls or ssl.create_default_context()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._resolver.close()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """POST the body, byte for byte, and return the result. No behaviour of a receiver raises an exception.

        Once the answer's status has arrived, it is the result. Faults in the rest of the answer do not change it.
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
        """A session for one attempt. It ends its connections at once and does not wait for the receiver's close."""
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
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # `send` has one timeout for the whole attempt
        ) as session:
            try:
                yield session
            finally:
                for used in sockets:
                    used.end()


async def read_out(response: aiohttp.ClientResponse) -> None:
    """Read the rest of the answer and drop it: a receiver that is cut off while it answers would log an error."""
    try:
        async for _ in response.content.iter_any():
            pass
    finally:
        response.close()


def fault_of(error: Exception) -> Fault:
    """Return the fault for an exception that aiohttp raised before there was an answer."""
    causes = (error, error.__cause__)
    if any(isinstance(cause, AddressForbidden) for cause in causes):
        return Fault.ADDRESS_FORBIDDEN
    if any(isinstance(cause, AnswerTooLarge) for cause in causes):
        return Fault.ANSWER_TOO_LARGE
    for kind, fault in FAULTS.items():
        if isinstance(error, kind):
            return fault
    return Fault.DISCONNECTED


# The first class that fits counts: some of aiohttp's errors are subclasses of others.
FAULTS: dict[type[Exception], Fault] = {
    TimeoutError: Fault.TIMED_OUT,
    aiohttp.ClientConnectorDNSError: Fault.NAME_NOT_FOUND,
    aiohttp.ClientSSLError: Fault.TLS_FAILED,
    aiohttp.ClientConnectorError: Fault.NOT_CONNECTED,
    aiohttp.ClientResponseError: Fault.ANSWER_INVALID,
}
