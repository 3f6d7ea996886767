"""The console as an ASGI application: its screens, its actions, its files, and the page of every error."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from console import words
from console.actions.forms import ACTIONS, show_action
from console.api import new_http
from console.guard import SecurityHeaders
from console.login import Seal
from console.names import Names
from console.settings import Settings
from console.views import clients, doors, operations, overview, search, transfers, wallets, webhooks
from console.visit import Shared, render, shared_of, signed_in
from core.version import VERSION

FOLDER = Path(__file__).parent
MISUSE = {
    403: "This request did not come from a page of the console that you were shown. Nothing was changed. Go back and try again.",
    404: "There is no such page.",
    405: "There is no such page.",
    413: "This form is too long. Nothing was changed.",
    415: "This is no form of the console. Nothing was changed.",
}
WORDS = (
    *("STATUSES", "TYPES", "REASONS", "CHECKS", "LIMITS"),
    *("money", "signed", "moment", "moment_ms", "near", "day", "ago", "between", "duration", "size", "short", "changed"),
)
DONE = {name: action.done for name, action in ACTIONS.items() if action.done}

ROUTES = [
    Route("/login", doors.login, methods=["GET", "POST"]),
    Route("/logout", signed_in(doors.logout), methods=["POST"]),
    Route("/healthz", lambda _: PlainTextResponse("ok")),
    Route("/", signed_in(overview.overview)),
    Route("/search", signed_in(search.search)),
    Route("/transfers", signed_in(transfers.transfers)),
    Route("/transfers.csv", signed_in(transfers.csv)),
    Route("/transfers/{id}", signed_in(transfers.transfer)),
    Route("/clients", signed_in(clients.clients)),
    Route("/clients/{id}", signed_in(clients.client)),
    Route("/wallets/{id}", signed_in(wallets.wallet)),
    Route("/wallets/{id}/statement.csv", signed_in(wallets.statement)),
    Route("/queue", signed_in(operations.queue)),
    Route("/webhooks", signed_in(webhooks.endpoints)),
    Route("/webhooks/{id}", signed_in(webhooks.endpoint)),
    Route("/health", signed_in(operations.health)),
    Route("/keys", signed_in(operations.keys)),
    Route("/do/{action}", signed_in(show_action), methods=["GET", "POST"]),
    Route("/do/{action}/{id}", signed_in(show_action), methods=["GET", "POST"]),
]


def addresses() -> dict[str, str]:
    """Return the address of each file in static/."""
    files = (FOLDER / "static").iterdir()
    return {file.name: f"/static/{file.name}?{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}" for file in files}


ADDRESSES = addresses()


class Files(StaticFiles):
    """The style, the script and the picture. Their addresses hold a digest of their content, so browsers keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(settings: Settings) -> Starlette:
    """Return the console for the API that the settings name."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with new_http() as http:
            app.state.shared = Shared(settings, http, templates(), Seal(settings.secret), Names())
            yield

    return Starlette(
        routes=[*ROUTES, Mount("/static", Files(directory=FOLDER / "static"))],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: misuse},
        lifespan=lifespan,
    )


def templates() -> Environment:
    """Return the templates. All texts are escaped: each may be a caller's."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {name: getattr(words, name) for name in WORDS}
    made.globals |= {"version": VERSION, "file": ADDRESSES.__getitem__, "address": with_changes, "done": DONE}
    made.filters["tojson_plain"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    return made


def with_changes(query: QueryParams, **changes: str | None) -> str:
    """Return an address of the same page, with these parameters changed. None leaves one out."""
    kept = {name: value for name, value in (dict(query) | changes).items() if value and name != "did"}
    return f"?{urlencode(kept)}"


async def misuse(request: Request, error: Exception) -> Response:
    """Answer what no screen answers."""
    assert isinstance(error, HTTPException)
    shared = shared_of(request)
    text = MISUSE.get(error.status_code, "This cannot be done.")
    return render(request, shared, "misuse.html", error.status_code, login=shared.seal.read(request), text=text)
