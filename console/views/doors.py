"""Login and logout."""

import asyncio
import re
import time

from starlette.requests import Request
from starlette.responses import Response

from console.api import Away, Refused
from console.login import COOKIE, NotForClients, hint_of, log_in
from console.visit import Shared, Visit, read_form, read_own_form, render, see_other, shared_of
from core import log

logger = log.get(__name__)

KEY = re.compile(r"[!-~]{1,255}")
WRONG = "This key is not known, or it was revoked."
FOR_CLIENTS = "This is a client's key. The console is for operators and viewers."
AWAY = "Teller's API does not answer. Try again in a moment."
WHY = {"revoked": "Your key is not known any more: it was revoked. Log in with another one."}


async def login(request: Request) -> Response:
    """Ask for a key, and open the console with it. What is wrong with the key is said, and the key is never shown again."""
    shared = shared_of(request)
    if request.method != "POST":
        text = WHY.get(request.query_params.get("why", ""), "")
        return render(request, shared, "login.html", text=text, next=own_path(request.query_params.get("next", "/")))
    form = await read_form(request)
    key, after = form.get("key", "").strip(), own_path(form.get("next", "/"))
    if not KEY.fullmatch(key):
        await refuse(request, shared, key)
        return render(request, shared, "login.html", 401, text=WRONG, next=after)
    try:
        opened = await log_in(shared.api(key))
    except NotForClients:
        logger.warning("login refused", why="a client's key", key_hint=hint_of(key), address=address_of(request))
        return render(request, shared, "login.html", 403, text=FOR_CLIENTS, next=after)
    except Refused as refused:
        if refused.status == 401:
            await refuse(request, shared, key)
        text = WRONG if refused.status == 401 else refused.detail
        return render(request, shared, "login.html", refused.status, text=text, next=after)
    except Away:
        return render(request, shared, "login.html", 503, text=AWAY, next=after)
    logger.info("login", person=opened.person, role=opened.role, key_hint=hint_of(key), address=address_of(request))
    response = Response(status_code=303, headers={"Location": after})
    shared.seal.write(response, opened, request)
    return response


async def refuse(request: Request, shared: Shared, key: str) -> None:
    """Log a key that is not known by its hint, and wait as long as the address's earlier ones require."""
    address = address_of(request)
    logger.warning("login refused", why="an unknown key", key_hint=hint_of(key), address=address)
    await asyncio.sleep(shared.bad_logins.add(address, time.monotonic()))


def address_of(request: Request) -> str:
    """Return the address that the request came from: behind a proxy, the proxy's."""
    return request.client.host if request.client else ""


async def logout(visit: Visit) -> Response:
    await read_own_form(visit)
    response = see_other("/login")
    response.delete_cookie(COOKIE)
    return response


def own_path(path: str) -> str:
    r"""Return the path, or `/` for one that would lead away: browsers read `//host` and `/\host` as another host."""
    return path if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", path) else "/"
