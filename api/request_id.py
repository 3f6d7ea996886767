"""Every request has an id: the caller's, when it is a decent one, else a new one. Every answer carries it."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import ids

HEADER = b"x-request-id"
DECENT = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """Middleware that puts the id into the request's state and the answer's X-Request-Id header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = given(scope) or ids.mint().hex.encode()
        scope.setdefault("state", {})["request_id"] = id.decode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, id)]
            await send(message)

        await self._app(scope, receive, send_with_id)


def given(scope: Scope) -> bytes | None:
    values = [value for name, value in scope["headers"] if name == HEADER]
    return values[0] if len(values) == 1 and DECENT.fullmatch(values[0]) else None
