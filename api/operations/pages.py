"""The OpenAPI document, its page at /docs and the page's files, and the first page, at /. Their bytes are made once, at the start.

The page works without internet: fastapi-offline contains Swagger UI's files. The page has one inline script. Its content security
policy allows that script by its hash and no other, and no other site may frame the page.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from api.http.parameters import refuse_parameters
from core.version import VERSION

DOCUMENT = "/openapi.json"
FILES = "/static-offline-docs"
FOLDER = Path(fastapi_offline.__file__).parent / "static"
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
}
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)

REVALIDATE = "no-cache"  # a browser keeps it and asks each time whether it has changed: another version may have been started
FOR_A_DAY = "max-age=86400"  # the files change with the version of fastapi-offline only. A guess.
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

FIRST_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Teller</title></head>
<body>
<h1>Teller {VERSION}</h1>
<p>Moves money between wallets. The API is under /v1 and needs a key.</p>
<ul>
<li><a href="/docs">/docs</a>: all requests, to read and to try</li>
<li><a href="{DOCUMENT}">{DOCUMENT}</a>: the same for programs</li>
<li><a href="/problems">/problems</a>: what each error code means</li>
<li><a href="/readyz">/readyz</a> and <a href="/healthz">/healthz</a>: is it ready, does it run</li>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
</ul>
</body>
</html>
"""


class Fixed:
    """An ASGI endpoint with constant content. It answers 304 when the caller's copy is current (RFC 9110, section 13.1.2)."""

    def __init__(self, make: Callable[[], bytes], media_type: str, headers: Mapping[str, str]) -> None:
        self._make = make
        self._media_type = media_type
        self._headers = headers

    @cached_property
    def content(self) -> bytes:
        return self._make()

    @cached_property
    def headers(self) -> Mapping[str, str]:
        return {**SAFE, **self._headers, "ETag": f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refuse_parameters(request)
        if self.headers["ETag"] in request.headers.get("if-none-match", ""):
            response = Response(status_code=304, headers=self.headers)
        else:
            response = Response(self.content, headers=self.headers, media_type=self._media_type)
        await response(scope, receive, send)


def routes(title: str, document: Callable[[], bytes]) -> list[Route]:
    """Return the routes of the document that `document` makes, of its page, and of the page's files."""
    html = page(title)
    fixed = {
        DOCUMENT: Fixed(document, "application/json", {"Cache-Control": REVALIDATE}),
        "/docs": Fixed(html.encode, "text/html", {"Cache-Control": REVALIDATE, **policy(html)}),
        "/": Fixed(FIRST_PAGE.encode, "text/html", {"Cache-Control": REVALIDATE, **policy(FIRST_PAGE)}),
    }
    for name, media_type in MEDIA_TYPES.items():
        fixed[f"{FILES}/{name}"] = Fixed((FOLDER / name).read_bytes, media_type, {"Cache-Control": FOR_A_DAY})
    endpoints: dict[str, Callable[..., Any]] = {**fixed, "/redoc": lead_to_docs}
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]


async def lead_to_docs(request: Request) -> Response:
    """Redirect to the one page of the API. FastAPI would serve another one here, whose script comes from the internet."""
    refuse_parameters(request)
    return RedirectResponse("/docs", status_code=308, headers=dict(SAFE))


def prepare(routes: Iterable[BaseRoute]) -> None:
    """Make the content of each fixed route. At the start, because the document takes 170 ms of the event loop."""
    for route in routes:
        if isinstance(route, Route) and isinstance(route.endpoint, Fixed):
            _ = route.endpoint.headers


# The key that is typed in stays in the browser, so that a reload asks for none. The box finds operations by their tag.
PARAMETERS = {"persistAuthorization": True, "filter": True}


def page(title: str) -> str:
    response = get_swagger_ui_html(
        openapi_url=DOCUMENT,
        title=f"{title} - Swagger UI",
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url=f"{FILES}/favicon.png",
        swagger_ui_parameters=PARAMETERS,
    )
    return bytes(response.body).decode()


def policy(html: str) -> Mapping[str, str]:
    """Return the headers that allow the page its own script and files, and forbid all others."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in INLINE.findall(html)]
    directives = (
        "default-src 'none'",
        " ".join(["script-src 'self'", *(f"'sha256-{digest}'" for digest in hashes)]),
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets style attributes
        "img-src 'self' data:",  # its icons
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return {"Content-Security-Policy": "; ".join(directives), "X-Frame-Options": "DENY"}
