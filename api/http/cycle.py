"""A request and its answer on a connection: uvicorn's cycle, with the plain answer written in one piece.

uvicorn writes head and body apart, and searches each header field by two regular expressions. Here the head of a plain answer waits
for its body, and is searched as a whole.
"""

from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE, RequestResponseCycle

Fields = list[tuple[bytes, bytes]]

LINE_END = b"\r\n"
ALLOWED = bytes({*range(256)} - {*range(32), 127} | {ord("\t")})  # in a header field; uvicorn refuses all other bytes too

CHECKED: set[bytes] = set()  # names of header fields that were found correct: those that the application sends, some twenty


class Fixed(NamedTuple):
    """The header fields that each answer of a connection has: as uvicorn takes them, and as they are written."""

    fields: Fields
    written: bytes


def fix(fields: Fields) -> Fixed:
    return Fixed(fields, b"".join(b"%b: %b\r\n" % field for field in fields))


class Cycle(RequestResponseCycle):
    """One request and its answer.

    An answer is plain when it says how long it is, nothing about the connection, and has its body in one message. uvicorn writes
    all others.
    """

    fixed = b""  # the header fields of each answer of the connection, as they are written
    _head = b""  # of the answer, until its body is known

    async def send(self, message: Any) -> None:  # uvicorn's ASGI types are private, hence Any
        """Take a part of the answer. Raises RuntimeError for a part out of order, and for a header field that is not valid."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._head = self._head_of(message)
            if self._head:
                self.response_started = True
                self.waiting_for_100_continue = False
                return
        elif self._head:
            head, self._head = self._head, b""
            body = message.get("body", b"")
            if len(body) == self.expected_content_length and not message.get("more_body"):
                self._end(head + body)
                return
            self.transport.write(head)
        await super().send(message)

    def _head_of(self, message: Any) -> bytes:
        """Return the head of a plain answer, or nothing for an answer that uvicorn writes. Raises RuntimeError."""
        if message["type"] != "http.response.start" or self.scope["method"] == "HEAD":
            return b""
        fields: Fields = message["headers"]
        length = None
        for name, value in fields:
            if name == b"content-length":
                length = int(value)
            elif name in (b"connection", b"transfer-encoding") or (name not in CHECKED and not is_correct(name)):
                return b""
        if length is None:
            return b""
        written = b"".join([b"%b: %b\r\n" % field for field in fields])
        if written.translate(None, ALLOWED) != LINE_END * len(fields):
            raise RuntimeError("a header field has a control character")
        self.expected_content_length = length
        self.chunked_encoding = False
        end = LINE_END if self.keep_alive else b"connection: close\r\n\r\n"
        return b"".join((STATUS_LINE[message["status"]], self.fixed, written, end))

    def _end(self, answer: bytes) -> None:
        """Write the whole answer, and tell the connection that it is complete."""
        self.transport.write(answer)
        self.expected_content_length = 0
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def is_correct(name: bytes) -> bool:
    """Return whether this is the lower-case name of a header field, and remember it if so."""
    if HEADER_RE.search(name) or name != name.lower():
        return False
    CHECKED.add(name)
    return True
