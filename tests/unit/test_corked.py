"""What several connections write in one round of the event loop leaves at its end, and before the end of a connection."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.http.corked import cork

Check = Callable[[Any, Any, socket.socket, socket.socket], Awaitable[None]]


def with_two_connections(check: Check) -> None:
    """Call the check in an event loop with two corked transports and the sockets of their other ends."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        ends = [socket.socketpair() for _ in range(2)]
        transports = [(await loop.create_connection(asyncio.Protocol, sock=near))[0] for near, _ in ends]
        try:
            await check(*[cork(transport, loop) for transport in transports], *[far for _, far in ends])
        finally:
            for transport, (_, far) in zip(transports, ends, strict=True):
                transport.abort()
                far.close()
            await asyncio.sleep(0)

    asyncio.run(run())


async def rounds() -> None:
    """Let the event loop go on until it has closed a transport: it does so in the round after `close`."""
    for _ in range(3):
        await asyncio.sleep(0)


def received(far: socket.socket) -> bytes | None:
    """What has arrived, without waiting. None when nothing has."""
    try:
        return far.recv(1000, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None


def test_what_is_written_in_a_round_leaves_at_its_end() -> None:
    async def check(one: Any, other: Any, far: socket.socket, far_other: socket.socket) -> None:
        for _ in range(2):
            one.write(b"head")
            other.write(b"x")
            one.write(b"body")
            assert (received(far), received(far_other)) == (None, None)
            await asyncio.sleep(0)
            assert (received(far), received(far_other)) == (b"headbody", b"x")

    with_two_connections(check)


@pytest.mark.parametrize("end", ["close", "write_eof"])
def test_what_was_written_leaves_before_the_end_of_its_connection(end: str) -> None:
    async def check(one: Any, other: Any, far: socket.socket, far_other: socket.socket) -> None:
        one.write(b"answer")
        other.write(b"x")
        getattr(one, end)()
        assert (received(far), received(far_other)) == (b"answer", None)
        await rounds()
        assert (received(far), received(far_other)) == (b"", b"x")

    with_two_connections(check)


def test_what_is_written_to_an_aborted_connection_is_dropped() -> None:
    async def check(one: Any, other: Any, far: socket.socket, far_other: socket.socket) -> None:
        one.write(b"answer")
        other.write(b"x")
        one.abort()
        await rounds()
        assert (received(far), received(far_other)) == (b"", b"x")

    with_two_connections(check)
