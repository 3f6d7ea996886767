"""What stands between a webhook and our own network, and between a receiver and our memory.

A name is checked by where it leads, at the moment it is used: every answer of the resolver, and once more the address that the
kernel is asked to connect to. Nothing is remembered in between that could have changed.
"""

import socket
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver
from pycares import ARES_FLAG_EDNS, ARES_FLAG_NOSEARCH

from core.webhooks.callback_url import may_connect

ADDRESSES_MAX = 4  # of one name that are tried: else who owns it could make us knock at thousands of doors

READ_MAX_BYTES = 64 * 1024  # of one connection, everything counted: TLS, headers, interim answers, body

# How much is read at once: what a flood of tiny answers costs before another connection has its turn.
READ_AT_ONCE_BYTES = 16 * 1024


class AddressForbidden(OSError):
    """The name leads to where nothing may be sent."""


class AnswerTooLarge(OSError):
    """The receiver sent more than is read of anybody."""


def make_resolver(**options: Any) -> AsyncResolver:
    """Return a resolver that takes a name as it is, without the suffixes that this host's own names may have.

    It is c-ares: the system's would take a thread for each name that is being looked up, and a few dead names all threads.
    `options` are those of pycares.Channel.
    """
    return AsyncResolver(flags=ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS, **options)


class GuardedResolver(AbstractResolver):
    """Asks another resolver, and refuses all of its answers when one of them is forbidden.

    Who mixes a public address with a private one is either attacking or broken, and picking the good ones would let a name
    through whose next answer may be another.
    """

    def __init__(self, resolver: AbstractResolver, *, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Return the first answers, if all of them are allowed. Raises AddressForbidden, and OSError when there is none."""
        answers = await self._resolver.resolve(host, port, family)
        if not all(may_connect(answer["host"], allow_private=self._allow_private) for answer in answers):
            raise AddressForbidden("the name leads to an address that is not public")
        return answers[:ADDRESSES_MAX]

    async def close(self) -> None:
        await self._resolver.close()


class GuardedSocket(socket.socket):
    """A TCP socket that connects to allowed addresses alone and reads a bounded number of bytes.

    Only asyncio's own event loop calls these methods; uvloop passes them by.
    """

    def __init__(self, family: int, *, allow_private: bool) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._allow_private = allow_private
        self._left_bytes = READ_MAX_BYTES

    def connect(self, address: Any) -> None:
        """Connect. Raises AddressForbidden, and OSError as usual."""
        if not may_connect(address[0], allow_private=self._allow_private):
            raise AddressForbidden("the address is not public")
        super().connect(address)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Read. Raises AnswerTooLarge, and OSError as usual."""
        data = super().recv(self._bounded(bufsize), flags)
        self._left_bytes -= len(data)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Read. Raises AnswerTooLarge, and OSError as usual."""
        count = super().recv_into(buffer, self._bounded(nbytes or len(buffer)), flags)
        self._left_bytes -= count
        return count

    def end(self) -> None:
        """End the connection now. Closed by asyncio alone, TLS would wait half a minute for the receiver to agree."""
        with suppress(OSError):  # it is closed, was never connected, or the receiver was faster
            self.shutdown(socket.SHUT_RDWR)

    def _bounded(self, wanted_bytes: int) -> int:
        if not self._left_bytes:
            raise AnswerTooLarge("the receiver sends more than is read")
        return min(wanted_bytes, self._left_bytes, READ_AT_ONCE_BYTES)
