"""Guards of an attempt: no connection to an address that is not public, and no more than 64 KiB read from a receiver.

A host's name is resolved for each attempt. The guards check every address that the resolver returns, and then the address that the
socket connects to. No result is cached, so a name cannot pass with one address and connect to another.
"""

import socket
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver
from pycares import ARES_FLAG_EDNS, ARES_FLAG_NOSEARCH

from core.webhooks.callback_url import may_connect

ADDRESSES_MAX = 4  # a guess; a name with thousands of addresses would make one attempt connect to all of them

READ_MAX_BYTES = 64 * 1024  # a connection: TLS, headers, interim answers and body together; a guess

# Bytes a read, a guess. With a flood of tiny answers, the event loop parses so many before the next connection has its turn.
READ_AT_ONCE_BYTES = 16 * 1024


class AddressForbidden(OSError):
    """The name resolves to an address to which Teller sends nothing."""


class AnswerTooLarge(OSError):
    """The receiver sent more than READ_MAX_BYTES."""


def make_resolver(**options: Any) -> AsyncResolver:
    """Return a resolver that takes a name as it is, without this host's search suffixes.

    It is c-ares. The system's resolver blocks a thread for each name, and a few dead names block all threads. `options` are those
    of pycares.Channel.
    """
    return AsyncResolver(flags=ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS, **options)


class GuardedResolver(AbstractResolver):
    """Asks another resolver, and refuses all of its answers if one of them is forbidden.

    A name with public and private addresses is an attack or an error. To pick the public ones would accept a name whose next
    answer may differ.
    """

    def __init__(self, resolver: AbstractResolver, *, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Return the first answers, if all are allowed. Raises AddressForbidden, and OSError if there is no answer."""
        answers = await self._resolver.resolve(host, port, family)
        if not all(may_connect(answer["host"], allow_private=self._allow_private) for answer in answers):
            raise AddressForbidden("the name leads to an address that is not public")
        return answers[:ADDRESSES_MAX]

    async def close(self) -> None:
        await self._resolver.close()


class GuardedSocket(socket.socket):
    """A TCP socket that connects to allowed addresses only and reads at most READ_MAX_BYTES.

    asyncio's own event loop calls these methods. uvloop does not.
    """

    def __init__(self, family: int, *, allow_private: bool) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._allow_private = allow_private
        self._remaining_bytes = READ_MAX_BYTES

    def connect(self, address: Any) -> None:
        """Connect. Raises AddressForbidden, and the OSError of socket.connect."""
        if not may_connect(address[0], allow_private=self._allow_private):
            raise AddressForbidden("the address is not public")
        super().connect(address)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Read. Raises AnswerTooLarge, and the OSError of socket.recv."""
        data = super().recv(self._bounded(bufsize), flags)
        self._remaining_bytes -= len(data)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Read. Raises AnswerTooLarge, and the OSError of socket.recv."""
        count = super().recv_into(buffer, self._bounded(nbytes or len(buffer)), flags)
        self._remaining_bytes -= count
        return count

    def end(self) -> None:
        """End the connection now. If only asyncio closed it, TLS would wait 30 s for the receiver's close."""
        with suppress(OSError):  # it is closed, was never connected, or the receiver has closed it
            self.shutdown(socket.SHUT_RDWR)

    def _bounded(self, wanted_bytes: int) -> int:
        if not self._remaining_bytes:
            raise AnswerTooLarge("the receiver sends more than is read")
        return min(wanted_bytes, self._remaining_bytes, READ_AT_ONCE_BYTES)
