"""Cross-origin requests of browsers (https://fetch.spec.whatwg.org/#http-cors-protocol), for origins that the operator allows."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = b"GET, HEAD, POST, PATCH, DELETE"
REQUEST_HEADERS = b"Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, X-Request-Id"
RESPONSE_HEADERS = b"ETag, Idempotent-Replayed, Location, Preference-Applied, Retry-After, WWW-Authenticate, X-Request-Id"
MAX_AGE_S = 7200  # a browser caches a preflight for so long; no browser allows more

VARY = (b"vary", b"Origin")  # also without an Origin: a cache must not reuse that response for a request with one


class Cors:
    """ASGI in front of an application: answers preflights, and lets scripts of these origins read responses.

    Credentials mode is never allowed: there are no cookies, and a script sends its key in Authorization. A request of another
    origin is answered as without this class, and the browser does not show the response to its script.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        allowed = [(b"access-control-allow-origin", origin)] if origin in self._origins else []
        if allowed and scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await answer_preflight(send, [*allowed, VARY])
            return
        exposed = [(b"access-control-expose-headers", RESPONSE_HEADERS)] if allowed else []

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *allowed, *exposed, VARY]
            await send(message)

        await self._app(scope, receive, send_with_origin)


async def answer_preflight(send: Send, headers: list[tuple[bytes, bytes | None]]) -> None:
    allowed = [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", REQUEST_HEADERS),
        (b"access-control-max-age", b"%d" % MAX_AGE_S),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": [*headers, *allowed]})
    await send({"type": "http.response.body"})
