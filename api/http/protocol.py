"""HTTP/1.1 on one connection: uvicorn's protocol on httptools, with the limits and the order of answers that it lacks.

- A request that does not arrive in time is rejected (api/http/deadlines.py). uvicorn waits without limit, so a few hundred silent
  or dripping connections would hold all files that the process may open.
- A request that the parser rejects is answered with a problem document (api/http/rejection.py), after all earlier requests of its
  connection: the caller would take an early 400 for the answer to a POST that is being stored.
- HTTP/1.1 needs one Host and a clear length (api/http/head.py). Fields after a chunked body are not headers (RFC 9110, section
  6.5.1). The application sees the path as it was sent: `%2f` is no slash.
- Every part of a message that is not body has a limit: request line and headers, empty lines before them, chunk sizes, chunk
  extensions and trailers, and bytes after the answer. The parser joins the reads of one field by copying, so its cost would grow
  with the square of the field's length.
- The parser gets bytes in slices, and parsing stops while a request waits for an earlier one. One read of 256 KiB may hold ten
  thousand requests; queued all at once they cost the event loop 100 ms.
- A plain answer is written in one piece (api/http/cycle.py), and the answers of a round leave together (api/http/corked.py). A rest
  between two requests sets no timer.
- An offer to change the protocol (`Upgrade: h2c`) is ignored (RFC 9110, section 7.8): api/http/upgrade.py.
- The number of connections has a limit. For a new one, the connection that has rested longest is closed.

docs/concepts/state-tables.md draws the states of a connection.

The class uses private parts of uvicorn's class, hence the exact pin; tests over plain sockets cover each of them. It can go once
uvicorn has these limits.
"""

import asyncio
from collections import deque
from typing import Any, ClassVar

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.http import head
from api.http.corked import cork
from api.http.cycle import Cycle, Fields, Fixed, fix
from api.http.deadlines import DeadlineWatch, IdleTimer
from api.http.rejection import Rejected, rejection_app, rejection_cycle
from api.http.upgrade import BehindHead
from core import metrics

NOWHERE: Any = deque(maxlen=0)  # a list for header fields that keeps none of them


class Flow(FlowControl):
    """uvicorn's flow control, with a hold on reading: uvicorn resumes reading for every body and after every answer."""

    held = False

    def resume_reading(self) -> None:
        if self.read_paused and not self.held:
            super().resume_reading()


class HttpProtocol(HttpToolsProtocol):
    """One connection. The public class attributes are limits, which a subclass may set.

    Two limits come with uvicorn's configuration: `timeout_keep_alive`, seconds for which an idle connection is kept, and
    `limit_concurrency`, connections of this process.
    """

    head_max = 64 * 1024  # bytes: request line and headers, and again chunk sizes, extensions and trailers; clients send 1 KiB
    fields_max = 200  # header fields; a client sends 10, a chain of proxies adds as many
    slice_max = 16 * 1024  # bytes that the parser gets at once: at most 600 requests or 4 000 headers, which take 7 ms
    unwanted_max = 2 * 1024 * 1024  # bytes read after the answer, so that the sender of a batch of 1 MiB reads its answer
    look_every_s = 2.4  # so a request has 7 to 10 seconds from its first byte to its last; a batch of 1 MiB then needs 1.2 Mbit/s
    stopping_look_every_s = 0.25  # the same, once the process was asked to stop
    linger_s = 1.0  # how long a rejected caller may read its answer before the connection is aborted. A guess

    resting: ClassVar[dict["HttpProtocol", None]] = {}  # connections of this process that answer no request, oldest first

    # The state of a new connection. The values are immutable; assignment gives a connection its own.
    _unread: object = None  # a new object whenever the caller stops reading, None while it reads
    _overhead = 0  # bytes since the last end of a head or body that were not body
    _body_size = 0  # bytes of body in the slice that is parsed
    _measured = False  # whether a head took more than one slice, so that heads must be measured
    _rejected = False

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.connections_max, self.limit_concurrency = self.limit_concurrency, None  # uvicorn would answer 503 in plain text
        self._kept = (b"keep-alive", b"timeout=%d" % self.timeout_keep_alive)
        self._given: Fields | None = None  # header fields of each answer that uvicorn has given
        self._fixed = fix([])  # these and the connection's own
        self._unparsed = bytearray()

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        corked = cork(transport, self.loop)
        super().connection_made(corked)
        self.flow: Flow = Flow(corked)
        self._watch = DeadlineWatch(self.loop, self.look_every_s, self._owed, self._on_late)
        self._idle = IdleTimer(self.loop, self.timeout_keep_alive, self.timeout_keep_alive_handler)
        self.resting[self] = None
        if self.connections_max is not None and len(self.connections) > self.connections_max:
            next(iter(self.resting))._cut("crowded")

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.stop()
        self._idle.stop()
        self.resting.pop(self, None)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self.cycle is not None:
            self.cycle.scope["state"]["stopping"] = True  # a request that waits for an outcome is answered at once
        super().shutdown()
        self._watch.hurry(self.stopping_look_every_s)

    def _cut(self, reason: str) -> None:
        """Close the connection without an answer."""
        self.resting.pop(self, None)
        metrics.CONNECTIONS_CUT[reason].inc()
        if reason in ("unread", "unwanted"):
            self.transport.abort()  # closing would wait until the caller has read what was written
        else:
            self.transport.close()

    # Bytes to the parser

    def data_received(self, data: bytes) -> None:
        if self._rejected:
            self._overhead += len(data)
            if self._overhead > self.unwanted_max:
                self._cut("unwanted")
            return
        self._idle.end()
        if len(data) <= self.slice_max and not self.flow.held:
            self._feed(data)
            return
        self._unparsed += data
        if not self.flow.held:
            self._go_on()

    def _go_on(self) -> None:
        """Parse the bytes that have been read, until a request has to wait for an earlier one."""
        while self._unparsed and not self.flow.held and not self._rejected:
            part = bytes(self._unparsed[: self.slice_max])
            del self._unparsed[: self.slice_max]
            self._feed(part)

    def _feed(self, data: bytes) -> None:
        """Parse a slice, and reject a message that has too much beside its body."""
        before = self.cycle
        in_body = before is not None and before.more_body
        self._body_size = 0
        self._parse(data)
        if self._is_in_head():
            self._measured = True
        if self.cycle is not before or (in_body and not before.more_body):
            self._overhead = 0  # how much of this slice belongs to the next message is not known
            return
        self._overhead += len(data) - self._body_size
        if self._overhead > (self.unwanted_max if in_body and before.response_complete else self.head_max):
            self._reject("headers_too_large")

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self.scope["method"] == "CONNECT":
                    self._reject("malformed_request")
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

    # What the parser calls

    def on_headers_complete(self) -> None:
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")  # first: the answer to a target that is not valid depends on it
        scope["http_version"] = version
        target = httptools.parse_url(self.url)
        scope["raw_path"] = target.path
        scope["path"] = target.path.decode("ascii")
        scope["query_string"] = target.query or b""
        self.resting.pop(self, None)
        headers, self.headers = self.headers, NOWHERE  # for the fields after the body
        self._begin(self._new_cycle(keep_alive=version != "1.0" and parser.should_keep_alive()))
        if self._measured or len(headers) > self.fields_max or b"#" in self.url or version != "1.1" or not head.is_plain(headers):
            self._check_head(headers)

    def _new_cycle(self, *, keep_alive: bool) -> Cycle:
        fixed = self._fixed_fields() if keep_alive else fix(self.server_state.default_headers)
        cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=fixed.fields,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.fixed = fixed.written
        return cycle

    def _fixed_fields(self) -> Fixed:
        """Return the header fields of each answer after which the connection stays. uvicorn gives another list each second."""
        if self._given is not self.server_state.default_headers:
            self._given = self.server_state.default_headers
            self._fixed = fix([*self._given, self._kept])
        return self._fixed

    def _begin(self, cycle: Cycle) -> None:
        """Start the application for a request, or let the request wait for those before it."""
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.flow.held = True
            self.pipeline.appendleft((cycle, self.app))

    def _check_head(self, headers: head.Headers) -> None:
        """Raises Rejected before the application has begun; the application will find the caller gone."""
        size_max = self.head_max if self._measured else None
        version = self.scope["http_version"]
        if code := head.problem_with(self.url, version, headers, size_max=size_max, fields_max=self.fields_max):
            self._reject(code)
            raise Rejected(code)

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

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's text
        too_long = self._is_in_head() and len(self.url) > self.head_max  # uvicorn cannot read such a target either
        self._reject("headers_too_large" if too_long else "malformed_request")

    def _is_in_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    # What the answers call

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if not self.pipeline:
                self.resting[self] = None
                self._idle.begin()
                return
            self._start_asgi_task(*self.pipeline.pop())
        if self.flow.held and not self.pipeline:
            self.flow.held = False
            self._go_on()
            self.flow.resume_reading()

    def pause_writing(self) -> None:
        self._unread = object()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread = None
        super().resume_writing()

    # What the deadline watch calls

    def _owed(self) -> object:
        """Return an object for what the caller owes: reading its answer, or the rest of a request. None when it owes nothing."""
        return self._unread or self._owed_request()

    def _owed_request(self) -> object:
        cycle = self.cycle
        if cycle is None:
            return self.scope or self.transport
        if self.pipeline or (self._is_in_head() and not cycle.response_complete):
            return None  # earlier requests are not answered yet; until then this connection is not read
        if cycle.response_complete and not self._is_in_head() and self._idle.runs:
            return None  # idle: its own timer runs
        return self.scope if self._is_in_head() or cycle.more_body or cycle.response_complete else None

    def _on_late(self) -> None:
        if self._unread is not None:
            self._cut("unread")  # the caller does not read its answer
        elif self.scope is None:
            self._cut("silent")  # the caller has sent no byte of a request
        else:
            self._reject("request_timeout")

    # Rejection

    def _reject(self, code: str) -> None:
        """Parse no further, and answer with this problem once all earlier requests have been answered."""
        if self._rejected or self.transport.is_closing():
            return
        self._rejected = True
        self._unparsed.clear()
        self.flow.held = False
        own = None if self._is_in_head() else self.cycle
        queued = bool(self.pipeline) and self.pipeline[0][0] is own
        waits = queued or (own is None and self.cycle is not None and not self.cycle.response_complete)
        if queued:
            self.pipeline.popleft()
        elif own is not None and own.response_started:
            self.transport.close()  # the request was answered before its body ended
            metrics.CONNECTIONS_CUT["unwanted"].inc()
            return
        elif own is not None:
            own.disconnected = True  # the application finds the caller gone; its answer is dropped
            own.message_event.set()
        self.cycle = rejection_cycle(self)
        app = rejection_app(code, own, self.transport, self.linger_s)
        if waits:
            self.pipeline.appendleft((self.cycle, app))
        else:
            self._start_asgi_task(self.cycle, app)
