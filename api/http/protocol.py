"""HTTP/1.1 on one connection: uvicorn's protocol on httptools, with what it lacks at the door.

- A request that does not arrive in time is refused: uvicorn waits for ever, so that a few hundred silent or dripping connections
  would hold everything that the process may open.
- What the parser refuses is answered with a problem document, like everything else, and only after the requests before it on the
  same connection: an early 400 would be taken for the answer to a POST that is being stored.
- HTTP/1.1 needs one Host (RFC 9112, section 3.2), fields after a chunked body are not taken for headers (RFC 9110, section 6.5.1),
  and the application sees the path as it was sent: `%2f` is no slash.
- Every part of a message that is not body has a limit: request line and headers, empty lines before them, chunk sizes, chunk
  extensions and trailers, and what arrives after the answer. The parser joins the reads of one field by copying, so its cost would
  grow with the square of the field's length.
- Bytes go to the parser in slices, and parsing stops while a request waits for the one before it. One read of 256 KiB may hold ten
  thousand requests; queued all at once they cost the event loop 100 ms.
- An offer to change the protocol (`Upgrade: h2c`) is ignored (RFC 9110, section 7.8): api/http/upgrade.py.
- The number of connections has a limit. The connection that has rested longest is closed for a new one.

docs/concepts/state-tables.md draws the states of a connection.

A request costs no timer and no look at the clock: one timer a connection looks every few seconds whether the same request is still
on its way. This leans on private ways of uvicorn's class, hence the exact pin, and a test over plain sockets of each of them.
"""

import asyncio
import json
from collections import deque
from typing import Any, ClassVar

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.http.corked import Corked
from api.http.problems import KINDS, MEDIA_TYPE, Problem, document, note
from api.http.request_id import given, new_id
from api.http.upgrade import BehindHead
from core import log, metrics

Headers = list[tuple[bytes, bytes]]

LOOKS = 3  # a request that is found on its way so often after the first time is late
NOWHERE: Any = deque(maxlen=0)  # keeps nothing of what is appended


class Refused(Exception):
    """Stops the parser: the request has been refused."""


class Flow(FlowControl):
    """uvicorn's flow control, with a hold on reading: uvicorn resumes it for every body and after every answer."""

    held = False

    def resume_reading(self) -> None:
        if self.read_paused and not self.held:
            super().resume_reading()


class DoorProtocol(HttpToolsProtocol):
    """One connection. The class attributes are limits; a subclass may set others.

    Two limits come with uvicorn's configuration: `timeout_keep_alive`, seconds for which an idle connection is kept, and
    `limit_concurrency`, connections of this process.
    """

    head_max = 64 * 1024  # bytes: request line and headers, and again chunk sizes, extensions and trailers; clients send 1 KiB
    fields_max = 200  # header fields; a client sends 10, a chain of proxies adds as many
    slice_max = 16 * 1024  # bytes that the parser is given at once: at most 600 requests or 4 000 headers, which take 7 ms
    unwanted_max = 2 * 1024 * 1024  # bytes read after the answer, so that the sender of a batch of 1 MiB reads its answer
    look_every_s = 2.4  # so a request has 7 to 10 seconds from its first byte to its last; a batch of 1 MiB then needs 1.2 Mbit/s
    stopping_look_every_s = 0.25  # the same, once the process has been told to stop
    linger_s = 1.0  # how long a refused caller may read its answer before the connection is cut

    resting: ClassVar[dict["DoorProtocol", None]] = {}  # connections of this process on which no request is answered, oldest first

    # What a connection remembers, as it begins.
    _timer: asyncio.TimerHandle
    _awaited: object = None  # what the caller owed at the last look
    _looks = 0  # how often it has been found to owe the same
    _unread: object = None  # a new one whenever the caller stops reading, None while it reads
    _overhead = 0  # bytes since the last end of a head or body that were not body
    _body_size = 0  # bytes of body in the slice that is parsed
    _measured = False  # whether a head may be too large, so that it is worth measuring
    _refused = False

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.connections_max, self.limit_concurrency = self.limit_concurrency, None  # uvicorn's own refusal is no problem document
        self._kept = (b"keep-alive", b"timeout=%d" % self.timeout_keep_alive)
        self._unparsed = bytearray()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        corked: Any = Corked(transport, self.loop)
        super().connection_made(corked)
        self.flow: Flow = Flow(corked)
        self._timer = self.loop.call_later(self.look_every_s, self._look)
        self.resting[self] = None
        if self.connections_max is not None and len(self.connections) > self.connections_max:
            next(iter(self.resting))._cut("crowded")

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self.resting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._overhead += len(data)
            if self._overhead > self.unwanted_max:
                self._cut("unwanted")
            return
        self._unset_keepalive_if_required()
        if len(data) <= self.slice_max and not self.flow.held:
            self._feed(data)
            return
        self._unparsed += data
        if not self.flow.held:
            self._go_on()

    def _go_on(self) -> None:
        """Parse what has been read, until a request has to wait for the one before it."""
        while self._unparsed and not self.flow.held and not self._refused:
            part = bytes(self._unparsed[: self.slice_max])
            del self._unparsed[: self.slice_max]
            self._feed(part)

    def _feed(self, data: bytes) -> None:
        """Parse a slice, and refuse a message that has too much beside its body."""
        before = self.cycle
        in_body = before is not None and before.more_body
        self._body_size = 0
        self._parse(data)
        if self._is_in_head():
            self._measured = True
        if self.cycle is not before or (in_body and not before.more_body):
            self._overhead = 0  # how much of this slice belongs to what comes next is not known
            return
        self._overhead += len(data) - self._body_size
        if self._overhead > (self.unwanted_max if in_body and before.response_complete else self.head_max):
            self._refuse("headers_too_large")

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self.scope["method"] == "CONNECT":
                    self._refuse("malformed_request")
                    return
                data = data[offer.args[0] :]
                behind = BehindHead(self)
                self.parser = behind.parser
                behind.start(self.scope["headers"])
            except httptools.HttpParserError:
                self.send_400_response("")
                return
            else:
                return

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.resting.pop(self, None)
        headers, self.headers = self.headers, NOWHERE  # for the fields after the body
        cycle = self.cycle
        if self.pipeline:
            self.flow.held = True
        if cycle.keep_alive:
            cycle.default_headers = [*cycle.default_headers, self._kept]
        if b"%" in self.url:
            self.scope["path"] = self.scope["raw_path"].decode("ascii")
        if (
            self._measured
            or len(headers) > self.fields_max
            or b"#" in self.url
            or self.scope["http_version"] != "1.1"
            or not has_one_host_and_no_coding(headers)
        ):
            self._examine(headers)

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle.response_complete:
            return
        self._body_size += len(body)
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # the end of the head: the parser takes an offer for the end of HTTP
        self.cycle.more_body = False
        if not self.cycle.response_complete:
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self.resting[self] = None
        elif self.flow.held and not self.pipeline:
            self.flow.held = False
            self._go_on()
            self.flow.resume_reading()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words
        too_long = self._is_in_head() and len(self.url) > self.head_max  # for uvicorn's own reading of the target, too
        self._refuse("headers_too_large" if too_long else "malformed_request")

    def pause_writing(self) -> None:
        self._unread = object()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread = None
        super().resume_writing()

    def shutdown(self) -> None:
        if self.cycle is not None:
            self.cycle.scope["state"]["stopping"] = True  # a request that waits for an outcome is answered at once
        super().shutdown()
        self.look_every_s = self.stopping_look_every_s
        self._timer.cancel()
        self._look()

    def _is_in_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _examine(self, headers: Headers) -> None:
        """Check what is seldom wrong. Raises Refused before the application has begun; it will find the caller gone."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in headers) if self._measured else 0
        if size > self.head_max or len(headers) > self.fields_max:
            code = "headers_too_large"
        elif b"#" in self.url or not is_well_framed(self.scope["http_version"], headers):
            code = "malformed_request"
        else:
            return
        self._refuse(code)
        raise Refused(code)

    # Time

    def _look(self) -> None:
        """Refuse what has been on its way for too long. Two looks tell, so that nothing has to be noted in between."""
        owed = self._unread or self._owed()
        self._looks = self._looks + 1 if owed is self._awaited else 0
        self._awaited = owed
        if owed is None or self._looks < LOOKS:
            self._timer = self.loop.call_later(self.look_every_s, self._look)
        elif self._unread is not None:
            self._cut("unread")  # it does not read its answer
        elif self.scope is None:
            self._cut("silent")  # it never began to ask
        else:
            self._refuse("request_timeout")

    def _owed(self) -> object:
        """Return what stands for the request whose rest the caller owes, or None when it is not the caller's turn."""
        cycle = self.cycle
        if cycle is None:
            return self.scope or self.transport
        if self.pipeline or (self._is_in_head() and not cycle.response_complete):
            return None  # earlier requests are not answered yet; until then this connection is not read
        if cycle.response_complete and not self._is_in_head() and self.timeout_keep_alive_task is not None:
            return None  # idle: uvicorn's own timer runs
        return self.scope if self._is_in_head() or cycle.more_body or cycle.response_complete else None

    # Refusing

    def _cut(self, reason: str) -> None:
        """Close the connection without an answer."""
        self.resting.pop(self, None)
        metrics.CONNECTIONS_CUT[reason].inc()
        if reason in ("unread", "unwanted"):
            self.transport.abort()  # closing would wait until what was written is read
        else:
            self.transport.close()

    def _refuse(self, code: str) -> None:
        """Read no further, and answer with this problem once all requests before this one have been answered."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._unparsed.clear()
        self.flow.held = False
        own = None if self._is_in_head() else self.cycle
        queued = bool(self.pipeline) and self.pipeline[0][0] is own
        waits = queued or (own is None and self.cycle is not None and not self.cycle.response_complete)
        if queued:
            self.pipeline.popleft()
        elif own is not None and own.response_started:
            self.transport.close()  # it has had its answer, before its body ended
            metrics.CONNECTIONS_CUT["unwanted"].inc()
            return
        elif own is not None:
            own.disconnected = True  # to the application the caller is gone: whatever it may yet answer is dropped
            own.message_event.set()
        self.cycle = self._cycle_of_refusal()
        refusal = self._refusal(Problem(code), own)
        if waits:
            self.pipeline.appendleft((self.cycle, refusal))
        else:
            self._start_asgi_task(self.cycle, refusal)

    def _cycle_of_refusal(self) -> RequestResponseCycle:
        self.scope = {"method": "GET", "headers": [], **(self.scope or {})}
        cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        return cycle

    def _refusal(self, problem: Problem, own: RequestResponseCycle | None) -> Any:  # uvicorn's ASGI types are private
        """Return an application that says so, and waits until the caller has read it: a close over unread bytes resets."""
        path = own.scope["path"] if own else "/"
        id = (given({"headers": own.scope["headers"]}) if own else None) or new_id()
        body = json.dumps(document(problem, path, id.decode()), separators=(",", ":")).encode()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", id),
        ]

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
            log.REQUEST_ID.set(id.decode())
            note(problem)
            await send({"type": "http.response.start", "status": KINDS[problem.code].status, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if self.transport.is_closing():
                return
            self.transport.write_eof()
            try:
                async with asyncio.timeout(self.linger_s):
                    await receive()
            except TimeoutError:
                self.transport.abort()

        return refuse


def has_one_host_and_no_coding(headers: Headers) -> bool:
    """Tell whether the headers are as almost always."""
    hosts = 0
    for name, _ in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            return False
    return hosts == 1


def is_well_framed(version: str, headers: Headers) -> bool:
    """Tell whether it is clear for whom the request is and where it ends (RFC 9112, sections 3.2 and 6.1)."""
    hosts = sum(name == b"host" for name, _ in headers)
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if version == "1.1":
        return hosts == 1 and codings in ([], [b"chunked"])
    return version == "1.0" and hosts <= 1 and not codings
