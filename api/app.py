"""The API: routes, what they share, and what every error becomes."""

import asyncio
import gc
import json
import multiprocessing
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from api import batch, clients, deliveries, events, health, keys, metrics, openapi, pages, submit, transfers, wallets, webhooks
from api.auth import Doorman, admit
from api.cors import Cors
from api.failures import answer_to
from api.hot_routes import HotRoutes
from api.intake import Intake
from api.metrics import Levels
from api.micro_batches import MicroBatches
from api.overload import Backlog, Gate
from api.parameters import refuse_stray_parameters
from api.problems import Problem
from api.request_id import RequestIds
from api.waiting import Waiting
from core import failpoint, log, settings
from core import transfers as stored_transfers
from core.buckets import Buckets
from core.db import Database
from core.doorbell import Doorbell
from core.errors import Unavailable
from core.settings import Settings

DESCRIPTION = (
    "Deposits and transfers between wallets: accepted durably, applied once and in order, and provable from their entries."
)

HOT = (submit.post_deposit, submit.post_transfer, batch.post_batch, transfers.get_transfer)

BODIES: list[type[BaseModel]] = [  # of the routes that read their body by themselves
    clients.ClientRequest,
    submit.NewDeposit,
    submit.NewTransfer,
    batch.BatchRequest,
    webhooks.EndpointRequest,
    webhooks.EndpointChanges,
    deliveries.RedeliverRequest,
]

logger = log.get(__name__)

LOOKUP_MAX = 200  # transfers that one statement looks up
OWNER_LOOKUPS_MAX = (
    10_000  # of one owner that wait: more than may wait for an outcome (api/waiting.py), which may come for all at once
)


def create_app(configured: Settings) -> ASGIApp:
    """Return the application of these settings. It connects to nothing before it is started."""
    failpoint.announce()
    app: ASGIApp = HotRoutes(create_api(configured), HOT)
    if configured.cors_origins:
        app = Cors(app, configured.cors_origins)
    return RequestIds(app)


def create_api(configured: Settings) -> FastAPI:
    app = FastAPI(
        title="Teller",
        version="1",
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
    """Return the application of the environment's settings: for the processes that uvicorn starts by name."""
    configured = settings.load()
    log.configure(configured.log_level)
    return create_app(configured)


def lifespan(configured: Settings) -> Any:
    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = Database(configured.database_url)
        app.state.doorbell = Doorbell(configured.redis_url)
        app.state.webhooks_allow_private = configured.webhooks_allow_private
        if configured.webhooks_allow_private:
            logger.warning("webhooks may go to http, any port and private addresses: for development only")
        app.state.doorman = Doorman(app.state.database, configured.operator_key)
        app.state.batch_turns = batch.make_turns()
        app.state.intake = Intake(app.state.database, app.state.doorbell)
        backlog = Backlog(app.state.database, configured.backlog_max, configured.client_backlog_max)
        buckets = Buckets(configured.redis_url, configured.rate_limit, configured.rate_burst) if configured.rate_limit else None
        app.state.gate = Gate(backlog, buckets)
        app.state.signers = webhooks.Signers(app.state.database)
        app.state.lookup = MicroBatches(partial(stored_transfers.find_all, app.state.database), LOOKUP_MAX, OWNER_LOOKUPS_MAX)
        app.state.waiting = Waiting(configured.redis_url, app.state.lookup)
        app.state.metrics_key, app.state.backlog_max = configured.metrics_key, configured.backlog_max
        app.state.levels = Levels(app.state.database, app.state.waiting)
        await asyncio.to_thread(app.state.doorbell.check)  # what it refuses is then in the log from the start
        await app.state.database.open()
        app.state.intake.start()
        app.state.lookup.start()
        backlog.start()
        app.state.levels.start()
        pages.prepare(app.routes)
        calm_garbage_collector()
        end_with_parent()
        yield
        await app.state.waiting.close()
        app.state.levels.stop()
        backlog.stop()
        app.state.lookup.stop()
        await app.state.intake.stop()
        await app.state.doorman.stop()
        await app.state.database.close()
        app.state.doorbell.close()
        if buckets:
            await buckets.close()

    return run


def end_with_parent() -> None:
    """Stop this process as soon as the one that started it has died: the processes of one API would otherwise keep its port."""
    parent = multiprocessing.parent_process()
    loop = asyncio.get_running_loop()

    def end(sentinel: int) -> None:
        loop.remove_reader(sentinel)
        logger.warning("parent process ended")
        signal.raise_signal(signal.SIGTERM)

    if parent is not None:
        loop.add_reader(parent.sentinel, end, parent.sentinel)


def calm_garbage_collector() -> None:
    """Leave out what is there to stay, and look for cycles less often: a request leaves hardly any, and a search costs them all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def add_routes(app: FastAPI) -> None:
    app.router.routes += pages.routes(app.title, lambda: json.dumps(describe(app)).encode())
    strict = [Depends(admit), Depends(refuse_stray_parameters)]
    for noun in (clients, keys, wallets, submit, batch, transfers, events, webhooks, deliveries):
        app.include_router(noun.router, dependencies=strict)
    for around in (health, metrics):
        app.include_router(around.router, dependencies=[Depends(refuse_stray_parameters)])


def add_handlers(app: FastAPI) -> None:
    """Make every error a problem document."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer_to(request, error)

    async def handle_bug(request: Request, error: Exception) -> Response:
        response = answer_to(request, error)
        response.headers["Connection"] = "close"  # Starlette raises the error again after this answer; then uvicorn hangs up
        return response

    for kind in (Problem, Unavailable, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)
    app.add_exception_handler(Exception, handle_bug)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    return openapi.complete(document, BODIES)
