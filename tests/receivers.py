"""Receivers of webhooks on this host, well-behaved or not, and a name server for their names: all of them real servers."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PACE_S = 0.005  # between two bytes of a slow receiver


@dataclass
class Receiver:
    """The requests and connections of a receiver."""

    host: str
    port: int
    requests: list[bytes] = field(default_factory=list)
    arrivals: "asyncio.Queue[None]" = field(default_factory=asyncio.Queue)  # one for each request
    connected: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)  # set when a connection has ended

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def received(self) -> list["Received"]:
        return [received(request) for request in self.requests]


@dataclass(frozen=True)
class Received:
    """A request, its headers' names in lower case."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


def received(request: bytes) -> Received:
    head, _, body = request.partition(b"\r\n\r\n")
    pairs = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return Received({name.lower(): value for name, value in pairs}, body)


@asynccontextmanager
async def receiving(
    behaviour: Behaviour, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0, reads: bool = True
) -> AsyncIterator[Receiver]:
    """A receiver that reads each request (unless `reads` is off), and then answers as its behaviour says."""

    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connected += 1
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        task.add_done_callback(serving.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if reads:
                receiver.requests.append(await read_request(reader))
            receiver.arrivals.put_nowait(None)
            await behaviour(reader, writer)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()  # has no effect on a closed one
        receiver.left.set()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    receiver = Receiver(host, server.sockets[0].getsockname()[1])
    try:
        yield receiver
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports to end


@contextmanager
def receiving_beside(behaviour: Behaviour) -> Iterator[Receiver]:
    """The same for a test without an event loop: in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    context = receiving(behaviour)
    try:
        yield run(context.__aenter__())
    finally:
        run(context.__aexit__(None, None, None))
        run(end_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def end_all() -> None:
    """End what is left in this event loop, such as a connection that came in at the last moment."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # for the transports to end


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return head + await reader.readexactly(int(length.partition(b":")[2]))


def answer(status: str, headers: str = "", body: bytes = b"") -> Behaviour:
    """Answer at once, and close."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
        await writer.drain()

    return behave


def say(data: bytes) -> Behaviour:
    """Send just this, and close."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return behave


def repeat(first: bytes, again: bytes, pace_s: float | None = None) -> Behaviour:
    """Send `first`, then `again` for ever: at this pace, or as fast as it is read."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again if pace_s else again * 100)
            await writer.drain()
            if pace_s:
                await asyncio.sleep(pace_s)

    return behave


def reset_after(data: bytes) -> Behaviour:
    """Send this, and reset the connection."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave to each request as the next of these says; the last one for ever."""
    left = list(behaviours)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(reader, writer)

    return behave


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Never answer; end when the sender does."""
    await reader.read()


async def wait_for_all(arrivals: "asyncio.Queue[Any]", count: int) -> None:
    async with asyncio.timeout(20):
        for _ in range(count):
            await arrivals.get()


class NameServer(asyncio.DatagramProtocol):
    """Answers queries for IPv4 addresses, each from the list that stands for the name; never, when there is none.

    Source: RFC 1035, section 4.
    """

    def __init__(self, names: Mapping[str, Callable[[], Sequence[str]]]) -> None:
        self._names = names
        self.asked: set[str] = set()
        self.arrivals: asyncio.Queue[str] = asyncio.Queue()  # each name, when it is asked for first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = read_name(data, 12)
        (kind,) = struct.unpack("!H", data[end : end + 2])
        if name not in self.asked:
            self.asked.add(name)
            self.arrivals.put_nowait(name)
        if name not in self._names:
            return
        addresses = self._names[name]() if kind == 1 else []
        records = b"".join(struct.pack("!HHHIH4s", 0xC00C, 1, 1, 0, 4, IPv4Address(address).packed) for address in addresses)
        header = struct.pack("!2sHHHHH", data[:2], 0x8180, 1, len(addresses), 0, 0)
        self._transport.sendto(header + data[12 : end + 4] + records, addr)


def read_name(data: bytes, offset: int) -> tuple[str, int]:
    labels = []
    while length := data[offset]:
        labels.append(data[offset + 1 : offset + 1 + length].decode())
        offset += 1 + length
    return ".".join(labels), offset + 1


@asynccontextmanager
async def naming(names: Mapping[str, Callable[[], Sequence[str]]]) -> AsyncIterator[tuple[NameServer, int]]:
    """A name server, and its port on 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(names), local_addr=("127.0.0.1", 0))
    try:
        yield server, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
