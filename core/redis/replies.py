"""Parsers that bound each reply of Redis in bytes and in time: a reply beyond a bound is an error, and its connection is closed.

redis-py reads any length that a reply announces: a value of 512 MiB under a key of Teller's took as much memory, and a reply that
arrived a byte at a time never reached the timeout. These are subclasses of redis-py's parsers for RESP2, which has neither pushes
nor maps. They use private names of redis-py: redis is pinned, and tests/integration/test_redis_replies.py tests them.
"""

import time
from typing import Any

from redis._parsers import _AsyncRESP2Parser, _RESP2Parser
from redis._parsers.socket import SocketBuffer
from redis.exceptions import InvalidResponse, TimeoutError
from redis.utils import SENTINEL

__all__ = ["REPLY_MAX_BYTES", "AsyncBoundedParser", "BoundedParser"]

REPLY_MAX_BYTES = 262_144  # the longest regular reply is INFO, of about 7 KB; a job that names 1024 shards is shorter
LINES_MAX = 4096  # regular replies have up to 2 for each of 1024 shards; 65,000 in one reply blocked an event loop for 0.5 s
READ_BYTES = 65_536  # of one recv: what may be read before the length is checked


def refuse_length(length: int) -> None:
    if not 0 <= length <= REPLY_MAX_BYTES:
        raise InvalidResponse("a reply is too large")


def refuse_line(lines: int) -> None:
    if lines > LINES_MAX:
        raise InvalidResponse("a reply has too many parts")


class BoundedBuffer(SocketBuffer):
    """The buffer of one reply: at most REPLY_MAX_BYTES and LINES_MAX lines, within twice the socket's timeout.

    BoundedParser resets `started` and `lines` before each reply.
    """

    started: float = 0.0
    lines: int = 0

    def readline(self, timeout: Any = SENTINEL) -> bytes:
        """Read a line: RESP has one for each element of a reply, with its type and its value or length."""
        self.lines += 1
        refuse_line(self.lines)
        return super().readline(timeout)

    def read(self, length: int, timeout: Any = SENTINEL) -> bytes:
        refuse_length(length)
        return super().read(length, timeout)

    def _read_from_socket(self, length: int | None = None, timeout: Any = SENTINEL, raise_on_timeout: Any = True) -> bool:  # noqa: FBT002
        """Read at least `length` bytes, by default one. Raises InvalidResponse and TimeoutError beyond the bounds."""
        missing = length or 1
        while missing > 0:
            before = self.unread_bytes()
            if before + missing > REPLY_MAX_BYTES + READ_BYTES:
                raise InvalidResponse("a reply is too large")
            if self.socket_timeout and time.monotonic() - self.started > 2 * self.socket_timeout:
                raise TimeoutError("a reply takes too long")
            if not super()._read_from_socket(None, timeout, raise_on_timeout):
                return False
            missing -= self.unread_bytes() - before
        return True


class BoundedParser(_RESP2Parser):
    """Parses replies of at most REPLY_MAX_BYTES. Raises RedisError only."""

    def on_connect(self, connection: Any) -> None:
        super().on_connect(connection)  # type: ignore[no-untyped-call]
        self._buffer = BoundedBuffer(connection._sock, self.socket_read_size, connection.socket_timeout)

    def read_response(self, disable_decoding: Any = False, timeout: Any = SENTINEL) -> Any:  # noqa: FBT002
        if self._buffer is not None:
            self._buffer.started, self._buffer.lines = time.monotonic(), 0
        try:
            return super().read_response(disable_decoding=disable_decoding, timeout=timeout)
        except (ValueError, RecursionError, MemoryError) as error:  # a length that is not a number, arrays nested too deeply
            raise InvalidResponse("a reply is malformed") from error


class AsyncBoundedParser(_AsyncRESP2Parser):
    """As BoundedParser, for asyncio, where the client's timeout bounds a whole reply."""

    lines: int = 0

    async def read_response(self, disable_decoding: Any = False) -> Any:  # noqa: FBT002
        self.lines = 0
        try:
            return await super().read_response(disable_decoding=disable_decoding)
        except (ValueError, RecursionError, MemoryError) as error:  # ValueError also for a line above asyncio's limit of 64 KiB
            raise InvalidResponse("a reply is malformed") from error

    async def _read(self, length: int) -> bytes:
        refuse_length(self._pos + length)
        return await super()._read(length)

    async def _readline(self) -> bytes:
        self.lines += 1
        refuse_line(self.lines)
        refuse_length(self._pos)
        return await super()._readline()
