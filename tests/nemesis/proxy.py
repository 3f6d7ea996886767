"""A proxy between two processes of this machine that breaks as networks break."""

import asyncio
from enum import Enum

from local.server import free_port

CHUNK_BYTES = 64 * 1024
SLOW_S = 0.1  # the delay of each chunk


class Break(Enum):
    """How a line is broken. The values are the words of the log of faults."""

    CUT = "is cut, and refuses"
    HOLE = "is a black hole"
    SLOW = "is slow"
    MUTE = "loses replies"
    SNAP = "is cut by each reply"  # the request is carried out, and its reply is lost


class Link:
    """One connection through the line: a stream on each side."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._writers = (near, far)
        self.is_torn = False  # bytes were lost: the connection must be reset, not continued

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


class Line:
    """Listens on a port of its own and passes on to 127.0.0.1:`target_port`. It belongs to the event loop that opened it."""

    def __init__(self, title: str, target_port: int) -> None:
        self.title = title
        self.port = free_port()
        self._target_port = target_port
        self._broken: Break | None = None
        self._passable = asyncio.Event()
        self._passable.set()
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def break_(self, how: Break) -> None:
        """Break the line in this way until `heal`. CUT resets the open connections at once; the other ways act on later bytes."""
        self._broken = how
        if how is Break.HOLE:
            self._passable.clear()
        if how is Break.CUT:
            self._abort_links()

    def heal(self, *, cut: bool = False) -> None:
        """Pass again. The bytes that a black hole has held arrive late; with `cut` they are lost, and the connections are reset."""
        self._abort_links(torn_only=not cut)
        self._broken = None
        self._passable.set()

    def _abort_links(self, *, torn_only: bool = False) -> None:
        for link in self._links:
            if link.is_torn or not torn_only:
                link.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._passable.wait()
            if self._broken is not Break.CUT:
                await self._connect(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _connect(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        link = Link(near_writer, far_writer)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(near_reader, far_writer), self._pump_replies(far_reader, near_writer, link))
        finally:
            self._links.discard(link)
            link.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK_BYTES):
            await self._delay()
            await send(sink, data)
        sink.write_eof()

    async def _pump_replies(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, link: Link) -> None:
        while data := await source.read(CHUNK_BYTES):
            await self._delay()
            if self._broken is Break.SNAP:
                link.abort()
            elif self._broken is Break.MUTE:
                link.is_torn = True
            else:
                await send(sink, data)
        sink.write_eof()

    async def _delay(self) -> None:
        if self._broken is Break.SLOW:
            await asyncio.sleep(SLOW_S)
        await self._passable.wait()


async def send(sink: asyncio.StreamWriter, data: bytes) -> None:
    sink.write(data)
    await sink.drain()
