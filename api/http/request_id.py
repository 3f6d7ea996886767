"""Every request has an id: the caller's, if it is short and plain, else a new one. Every response carries it."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import ids, log

HEADER = b"x-request-id"
LOCATION = b"location"
PLAIN = re.compile(rb"[A-Za-z0-9._-]{1,64}")

logger = log.get(__name__)


class RequestIds:
    """Middleware that puts the id into the request's state, its log lines, and the X-Request-Id header of the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._logs_responses = log.writes_debug(__name__)  # read once, not for every request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = sent_id(scope) or new_id()
        text = id.decode()
        scope.setdefault("state", {})["request_id"] = text
        log.REQUEST_ID.set(text)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._logs_responses:
                    log_response(scope, message)
                message["headers"] = [*message["headers"], (HEADER, id)]
            await send(message)

        await self._app(scope, receive, send_with_id)


def log_response(scope: Scope, start: Message) -> None:
    """Log a response and the transfer in its Location. The path is left out: a caller may have put a key where an id belongs."""
    transfer = next((value.decode().rpartition("/")[2] for name, value in start["headers"] if name == LOCATION), None)
    logger.debug("answered", method=scope["method"], status=start["status"], transfer=transfer)


def new_id() -> bytes:
    return ids.mint_hex().encode()


def sent_id(scope: Scope) -> bytes | None:
    """Return the id that the caller sent, if it sent one and that is plain."""
    values = [value for name, value in scope["headers"] if name == HEADER]
    return values[0] if len(values) == 1 and PLAIN.fullmatch(values[0]) else None
