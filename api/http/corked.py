"""A response leaves in one piece, as with TCP_CORK (tcp(7)), but without its system calls.

uvicorn writes head and body apart. That costs a second system call, and wakes the caller up twice.
"""

import asyncio
from typing import Any


class Corked:
    """A transport that joins what is written in one round of the event loop and sends it at the end of the round.

    All other methods are the transport's own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data, self._written = b"".join(self._written), []
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
