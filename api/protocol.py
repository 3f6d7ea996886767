"""HTTP/1.1 on one connection: uvicorn's protocol on httptools, with what it lacks at the door.

- A request that does not arrive in time is refused: uvicorn waits for ever, so that a few hundred silent or dripping connections
  would hold everything that the process may open.
- What the parser refuses is answered with a problem document, like everything else, and only after the requests before it on the
  same connection: an early 400 would be taken for the answer to a POST that is being stored.
- A head is limited, HTTP/1.1 needs one Host (RFC 9112, section 3.2), fields after a chunked body are not taken for headers
  (RFC 9110, section 6.5.1), and the application sees the path as it was sent: `%2f` is no slash.

A request costs no timer and no look at the clock: one timer a connection looks every few seconds whether the same request is still
on its way. This leans on private ways of uvicorn's class, hence the exact pin, and a test over plain sockets of each of them.
"""

import asyncio
import json
from collections import deque
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.corked import Corked
from api.problems import KINDS, MEDIA_TYPE, Problem, document, note
from api.request_id import given, new_id
from core import log

Headers = list[tuple[bytes, bytes]]

LOOKS = 3  # a request that is found on its way so often after the first time is late
NOWHERE: Any = deque(maxlen=0)  # keeps nothing of what is appended


class Refused(Exception):
    """Stops the parser: the request has been refused."""


class DoorProtocol(HttpToolsProtocol):
    """One connection. The class attributes are limits; a subclass may set others."""

    head_max = 64 * 1024  # request line and headers; far more than any client of this API needs
    look_every_s = 2.4  # so a request has 7 to 10 seconds from its first byte to its last; a batch of 1 MiB then needs 1.2 Mbit/s
    stopping_look_every_s = 0.25  # the same, once the process has been told to stop
    linger_s = 1.0  # how long a refused caller may read its answer before the connection is cut

    # What a connection remembers, as it begins.
    _timer: asyncio.TimerHandle
    _awaited: object = None  # what the caller owed at the last look
    _looks = 0  # how often it has been found to owe the same
    _unread: object = None  # a new one whenever the caller stops reading, None while it reads
    _head_size = 0  # of a head that comes in several reads, so far
    _measured = False  # whether a head may be too large, so that it is worth measuring
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        corked: Any = Corked(transport, self.loop)
        super().connection_made(corked)
        self._timer = self.loop.call_later(self.look_every_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if len(data) > self.head_max:
            self._measured = True
        before = self.cycle
        in_body = before is not None and before.more_body
        super().data_received(data)
        if self._is_in_head():
            self._measured = True
            ended_another = in_body or self.cycle is not before  # how much of this read is of this head is not known
            self._head_size = 0 if ended_another else self._head_size + len(data)
            if self._head_size > self.head_max:
                self._refuse("headers_too_large")
        elif self._head_size:
            self._head_size = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        headers, self.headers = self.headers, NOWHERE  # for the fields after the body
        if b"%" in self.url:
            self.scope["path"] = self.scope["raw_path"].decode("ascii")
        if self._measured or b"#" in self.url or self.scope["http_version"] != "1.1" or not has_one_host_and_no_coding(headers):
            self._examine(headers)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words
        too_long = self._is_in_head() and len(self.url) > self.head_max  # for uvicorn's own reading of the target, too
        self._refuse("headers_too_large" if too_long else "malformed_request")

    def _unsupported_upgrade_warning(self) -> None:
        self.cycle.keep_alive = False  # the parser reads nothing after a request for another protocol

    def pause_writing(self) -> None:
        self._unread = object()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread = None
        super().resume_writing()

    def shutdown(self) -> None:
        if self.cycle is not None:
            self.cycle.scope["state"]["stopping"] = True  # whoever waits for an outcome there is answered as it is now
        super().shutdown()
        self.look_every_s = self.stopping_look_every_s
        self._timer.cancel()
        self._look()

    def _is_in_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _examine(self, headers: Headers) -> None:
        """Look closer at what is seldom right. Raises Refused: the application has not begun by then, and will find nobody."""
        if self._measured and len(self.url) + sum(len(name) + len(value) for name, value in headers) > self.head_max:
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
            self.transport.abort()  # it does not read its answer
        elif self.scope is None:
            self.transport.close()  # it never began to ask
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

    def _refuse(self, code: str) -> None:
        """Read no further, and answer with this problem once all requests before this one have been answered."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        own = None if self._is_in_head() else self.cycle
        queued = bool(self.pipeline) and self.pipeline[0][0] is own
        waits = queued or (own is None and self.cycle is not None and not self.cycle.response_complete)
        if queued:
            self.pipeline.popleft()
        elif own is not None and own.response_started:
            self.transport.close()  # it has had its answer, before its body ended
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
