"""Every request has an id: the caller's, when it is a decent one, else a new one. Every answer carries it."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import ids, log

HEADER = b"x-request-id"
LOCATION = b"location"
DECENT = re.compile(rb"[A-Za-z0-9._-]{1,64}")


logger = log.get(__name__)


class RequestIds:
    """Middleware that puts the id into the request's state, its log lines, and the answer's X-Request-Id header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._writes_debug = log.writes_debug(__name__)  # asked once: it would be asked for every request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = given(scope) or new_id()
        scope.setdefault("state", {})["request_id"] = id.decode()
        log.REQUEST_ID.set(id.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._writes_debug:
                    log_answer(scope, message)
                message["headers"] = [*message["headers"], (HEADER, id)]
            await send(message)

        await self._app(scope, receive, send_with_id)


def log_answer(scope: Scope, start: Message) -> None:
    """Log an answer, and the transfer that it is about. No path: what a caller takes for an id may be a key."""
    about = next((value.decode().rpartition("/")[2] for name, value in start["headers"] if name == LOCATION), None)
    logger.debug("answered", method=scope["method"], status=start["status"], transfer=about)


def new_id() -> bytes:
    return ids.mint().hex.encode()


def given(scope: Scope) -> bytes | None:
    values = [value for name, value in scope["headers"] if name == HEADER]
    return values[0] if len(values) == 1 and DECENT.fullmatch(values[0]) else None
