"""One request of a person: the login, the API with the person's key, and the page that is answered."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import aiohttp
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.api import Api, Away, OutcomeUnknown, Refused
from console.curves import History
from console.guard import FORM_MAX_BYTES, comes_from_here, same_token
from console.journal import Journal
from console.login import COOKIE, BadLogins, Login, Seal
from console.names import Names
from console.settings import Settings
from console.shares import Shares
from core import log

Endpoint = Callable[[Request], Awaitable[Response]]
Form = Mapping[str, str]
FORMS = "/do/"  # the addresses of forms that are shown and sent
logger = log.get(__name__)


@dataclass(frozen=True)
class Shared:
    """What all requests of the process share."""

    settings: Settings
    http: aiohttp.ClientSession
    templates: Environment
    seal: Seal
    names: Names = field(default_factory=Names)
    history: History = field(default_factory=History)
    shares: Shares = field(default_factory=Shares)
    journal: Journal = field(default_factory=Journal)
    bad_logins: BadLogins = field(default_factory=BadLogins)

    def api(self, key: str) -> Api:
        return Api(self.http, self.settings.api_url, key)


@dataclass(frozen=True)
class Visit:
    """A request with a login."""

    request: Request
    shared: Shared
    login: Login
    api: Api

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    def page(self, template: str, code: int = 200, **context: object) -> Response:
        return render(self.request, self.shared, template, code, login=self.login, **context)

    def need_operator(self) -> None:
        """Raises Refused as the API would: for viewers, before a form is shown that could not be sent."""
        if not self.login.acts:
            raise Refused(403, {"code": "forbidden", "detail": "Your key may look at everything, and change nothing."})


View = Callable[[Visit], Awaitable[Response]]


def shared_of(request: Request) -> Shared:
    found: Shared = request.app.state.shared
    return found


def render(request: Request, shared: Shared, template: str, code: int = 200, **context: object) -> Response:
    given: dict[str, object] = {
        "login": None,
        "path": request.url.path,
        "query": request.query_params,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "installation": shared.settings.name,
        "search": "",
    }
    return HTMLResponse(shared.templates.get_template(template).render(given | context), code)


def signed_in(view: View) -> Endpoint:
    """Make an endpoint of a view: it needs a login, and answers what the API refuses with a page that says so."""

    async def endpoint(request: Request) -> Response:
        shared = shared_of(request)
        login = shared.seal.read(request)
        if login is None:
            return to_login(request)
        visit = Visit(request, shared, login, shared.api(login.key))
        try:
            return await view(visit)
        except Refused as refused:
            return refusal(visit, refused)
        except Away:
            return visit.page("away.html", 503)
        except OutcomeUnknown:
            return visit.page("unknown.html", 502)
        except HTTPException:
            raise
        except Exception:
            logger.exception("page failed", path=request.url.path)
            return visit.page("fault.html", 500)

    return endpoint


def refusal(visit: Visit, refused: Refused) -> Response:
    if refused.status == 401:
        response = to_login(visit.request, "revoked")
        response.delete_cookie(COOKIE)
        return response
    if refused.status == 404:
        return visit.page("missing.html", 404)
    return visit.page("refused.html", refused.status, refused=refused)


def to_login(request: Request, why: str = "") -> Response:
    """Lead to the login, and from there back to the page. A script that polls gets 401: it has no use for the login's page.

    The address of a form that was sent has its key: the form that is shown after the login has the same one.
    """
    if request.headers.get("x-poll"):
        return Response(status_code=401)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    comes_back = request.method == "GET" or request.url.path.startswith(FORMS)
    query = {"next": path} if comes_back and path != "/" else {}
    return see_other("/login", **query, **({"why": why} if why else {}))


def see_other(path: str, **query: str) -> RedirectResponse:
    return RedirectResponse(f"{quote(path)}?{urlencode(query)}" if query else quote(path), 303)


async def read_form(request: Request) -> Form:
    """Return the fields of a form. Raises HTTPException for one that is too large, or comes from another site."""
    if not comes_from_here(request):
        raise HTTPException(403)
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_MAX_BYTES:
            raise HTTPException(413)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


async def read_own_form(visit: Visit) -> Form:
    """Return the fields of a form that this login was shown. Raises HTTPException."""
    form = await read_form(visit.request)
    if not same_token(form.get("csrf", ""), visit.login.csrf):
        raise HTTPException(403)
    return form


def new_key() -> str:
    """Return an idempotency key for a form that is shown now."""
    return f"console-{secrets.token_hex(16)}"


async def together(*reads: Awaitable[Any]) -> list[Any]:
    """Wait for all of these reads, and return what they return. Raises what the first of them that fails raises."""
    return list(await asyncio.gather(*reads))
