"""An answer is written byte for byte as uvicorn writes it, and a plain one in one write."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.http.protocol import HttpProtocol

Messages = list[dict[str, Any]]

KEPT = b"keep-alive: timeout=5\r\n"  # the field that uvicorn does not write
AGAIN = b" /again HTTP/1.1\r\nHost: teller\r\nConnection: close\r\n\r\n"


def start(*fields: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [*fields]}


def body(text: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": more}


LENGTH = (b"content-length", b"5")

ANSWERS: dict[str, Messages] = {
    "plain": [start((b"location", b"/v1/a b"), LENGTH), body(b"hello")],
    "without a word of its length": [start(), body(b"hello")],
    "without a body": [start((b"content-length", b"0"), status=202), body(b"")],
    "no content": [start(status=204), body(b"")],
    "in two parts": [start(LENGTH), body(b"he", more=True), body(b"llo")],
    "with an empty last part": [start(LENGTH), body(b"hello", more=True), body(b"")],
    "in chunks": [start((b"transfer-encoding", b"chunked")), body(b"he", more=True), body(b"llo")],
    "closing": [start(LENGTH, (b"connection", b"close")), body(b"hello")],
    "with names in capitals": [start((b"X-Name", b"value"), (b"Content-Length", b"5")), body(b"hello")],
    "with a tab and letters beyond ASCII": [start((b"x-name", b"a\tb\xe9"), LENGTH), body(b"hello")],
    "too short": [start(LENGTH), body(b"hell")],
    "too long": [start(LENGTH), body(b"hello!")],
}

BAD_FIELDS = {
    "a line end in a value": (b"x-name", b"a\r\nb: c"),
    "a NUL in a value": (b"x-name", b"a\0b"),
    "a line feed in a value": (b"x-name", b"a\nb"),
    "a delete in a value": (b"x-name", b"a\x7fb"),
    "a space in a name": (b"x name", b"a"),
    "a line end in a name": (b"x\r\nname", b"a"),
}


def served(protocol: type[HttpToolsProtocol], messages: Messages, method: bytes) -> bytes:
    """What a connection brings that gets this answer twice: once kept, once closed."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    async def serve() -> bytes:
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        config = Config(app, http=protocol, ws="none", log_config=None, access_log=False)
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(method + b" / HTTP/1.1\r\nHost: teller\r\n\r\n" + method + AGAIN)
            async with asyncio.timeout(10):
                received = await reader.read()
            writer.close()
            return received

    return asyncio.run(serve())


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_written_as_uvicorn_writes_it(name: str, method: bytes) -> None:
    written = served(HttpProtocol, ANSWERS[name], method)

    assert KEPT in written
    assert written.replace(KEPT, b"") == served(HttpToolsProtocol, ANSWERS[name], method)


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_header_field_that_is_not_valid_is_never_written(name: str) -> None:
    written = served(HttpProtocol, [start(BAD_FIELDS[name], LENGTH), body(b"hello")], b"GET")

    assert b"hello" not in written
    assert BAD_FIELDS[name][1] not in written or BAD_FIELDS[name][1] == b"a"
