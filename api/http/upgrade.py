"""Offers to change the protocol are ignored: a request with `Upgrade: h2c` is one of HTTP/1.1 (RFC 9110, section 7.8).

httptools stops after the head of such a request and does not parse its body. A new parser then takes over the connection. It first
gets a made-up head with the request's length, so that it continues where the body begins. Java's HttpClient makes this offer with
every request; no other request comes through this module.
"""

from collections.abc import Iterable
from typing import Protocol

import httptools

FRAMING = (b"content-length", b"transfer-encoding")


class Callbacks(Protocol):
    """The callbacks of httptools."""

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


class BehindHead:
    """A parser that continues behind the head of a request. It calls `callbacks` for all that follows the head."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._passes = False  # whether the made-up head is over: from then on all callbacks are called
        self._ended = False  # whether the made-up head was the whole request, because the request has no body
        self.on_body = callbacks.on_body
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn: allows a request after "close"

    def start(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Continue with the body of a request with these headers. The callbacks must already use the new parser."""
        framing = b"".join(b"%s: %s\r\n" % field for field in headers if field[0] in FRAMING)
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
        self._passes = True
        if self._ended:
            self._callbacks.on_message_complete()

    def on_message_begin(self) -> None:
        if self._passes:
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._passes:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._passes:
            self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._passes:
            self._callbacks.on_headers_complete()

    def on_message_complete(self) -> None:
        if self._passes:
            self._callbacks.on_message_complete()
        else:
            self._ended = True
