"""The API as an ASGI application: its routes, its services, and the problem document of every error."""

import asyncio
import gc
import json
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from api.callers import authenticate
from api.document.complete import complete
from api.http.cors import Cors
from api.http.failures import error_response
from api.http.hot_routes import HotRoutes
from api.http.parameters import refuse_stray_parameters
from api.http.problems import Problem
from api.http.request_id import RequestIds
from api.operations import health, in_force, metrics, ops, pages, problems_page
from api.services import running
from api.v1 import batch, cancel, clients, events, keys, search, statement, submit, transfers, wallets
from api.v1.verbs import VERBS
from api.v1.webhooks import deliveries, endpoints, secrets
from core import failpoint, log, settings
from core.errors import Unavailable
from core.settings import Settings
from core.version import VERSION

DESCRIPTION = (
    "Money in wallets: deposits, withdrawals, transfers, holds and reversals, accepted durably, applied once and in order, and"
    " provable from their entries."
)

HOT = (submit.post_deposit, submit.post_transfer, batch.post_batch, transfers.get_transfer)

BODIES: list[type[BaseModel]] = [  # of the routes that read their body by themselves
    clients.ClientRequest,
    clients.ClientChanges,
    clients.WalletRequest,
    *(model for verb in VERBS.values() for model in verb.models),
    wallets.WalletChanges,
    keys.ClientKeyRequest,
    keys.KeyRequest,
    batch.BatchRequest,
    endpoints.EndpointRequest,
    endpoints.EndpointChanges,
    deliveries.RedeliverRequest,
]

logger = log.get(__name__)


def create_app(configured: Settings) -> ASGIApp:
    """Return the application with these settings. It opens no connection before it is started."""
    failpoint.announce()
    app: ASGIApp = HotRoutes(create_api(configured), HOT)
    if configured.cors_origins:
        app = Cors(app, configured.cors_origins)
    return RequestIds(app)


def create_api(configured: Settings) -> FastAPI:
    """Return FastAPI's part: all routes and the handlers of errors. It serves no document: api/operations/pages.py does."""
    app = FastAPI(
        title="Teller",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan(configured),
    )
    add_routes(app)
    add_handlers(app)
    return app


def from_environment() -> ASGIApp:
    """Return the application with the environment's settings: for the processes that uvicorn starts by this name."""
    configured = settings.load()
    log.configure(configured.log_level)
    return create_app(configured)


def lifespan(configured: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the context in which the application runs."""

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        if configured.webhooks_allow_private:
            logger.warning("webhooks may go to http, any port and private addresses: for development only")
        async with running(configured) as app.state.services:
            pages.prepare(app.routes)
            calm_garbage_collector()
            end_with_parent()
            checking = asyncio.create_task(health.log_newer(app.state.services.readiness))
            yield
            checking.cancel()

    return run


def end_with_parent() -> None:
    """Stop this process once its parent has died. Otherwise it would keep the port of the API."""
    parent = multiprocessing.parent_process()
    loop = asyncio.get_running_loop()

    def end(sentinel: int) -> None:
        loop.remove_reader(sentinel)
        logger.warning("parent process ended")
        signal.raise_signal(signal.SIGTERM)

    if parent is not None:
        loop.add_reader(parent.sentinel, end, parent.sentinel)


def calm_garbage_collector() -> None:
    """Exclude the objects that exist now from garbage collection, and collect less often.

    A request leaves hardly any cycles, and a collection delays all requests. The thresholds are a guess; no run stands behind them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def add_routes(app: FastAPI) -> None:
    app.router.routes += pages.routes(app.title, lambda: json.dumps(describe(app)).encode())
    strict = [Depends(authenticate), Depends(refuse_stray_parameters)]
    nouns = (
        clients,
        keys,
        wallets,
        statement,
        submit,
        batch,
        transfers,
        cancel,
        search,
        events,
        endpoints,
        secrets,
        deliveries,
        ops,
        in_force,
    )
    for noun in nouns:
        app.include_router(noun.router, dependencies=strict)
    for around in (health, problems_page, metrics):
        app.include_router(around.router, dependencies=[Depends(refuse_stray_parameters)])


def add_handlers(app: FastAPI) -> None:
    """Make every error a problem document."""

    async def handle(request: Request, error: Exception) -> Response:
        return error_response(request, error)

    async def handle_bug(request: Request, error: Exception) -> Response:
        response = error_response(request, error)
        response.headers["Connection"] = "close"  # true: Starlette raises the error again, and uvicorn closes the connection
        return response

    for kind in (Problem, Unavailable, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
    app.add_exception_handler(Exception, handle_bug)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    return complete(document, BODIES)
