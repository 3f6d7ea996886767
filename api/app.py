"""The API: routes, what they share, and what every error becomes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from api import clients, health, openapi, thin, transfers, wallets
from api.auth import Doorman, admit_operator
from api.intake import Intake
from api.parameters import refuse_parameters_on, refuse_stray_parameters
from api.problems import Problem, respond
from api.request_id import RequestIds
from core import log, settings
from core.db import Database
from core.doorbell import Doorbell
from core.errors import Unavailable
from core.settings import Settings

DESCRIPTION = (
    "Deposits and transfers between wallets: accepted durably, applied once and in order, and provable from their entries."
)

logger = log.get(__name__)


def create_app(configured: Settings) -> FastAPI:
    """Return the application of these settings. It connects to nothing before it is started."""
    app = FastAPIOffline(
        title="Teller",
        version="1",
        description=DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan(configured),
    )
    refuse_parameters_on(app.routes)  # so far FastAPI's own: the document and its page
    add_routes(app)
    add_handlers(app)
    app.add_middleware(RequestIds)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend the document
    return app


def from_environment() -> FastAPI:
    """Return the application of the environment's settings: for the processes that uvicorn starts by name."""
    configured = settings.load()
    log.configure(configured.log_level)
    return create_app(configured)


def lifespan(configured: Settings) -> Any:
    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = Database(configured.database_url)
        app.state.doorbell = Doorbell(configured.redis_url)
        app.state.doorman = Doorman(app.state.database, configured.operator_key)
        app.state.intake = Intake(app.state.database, app.state.doorbell)
        await app.state.database.open()
        app.state.intake.start()
        yield
        await app.state.intake.stop()
        await app.state.database.close()
        app.state.doorbell.close()

    return run


def add_routes(app: FastAPI) -> None:
    app.router.routes += thin.routes()
    strict = [Depends(admit_operator), Depends(refuse_stray_parameters)]
    for router in (clients.router, wallets.router, transfers.router):
        app.include_router(router, dependencies=strict)
    app.include_router(health.router, dependencies=[Depends(refuse_stray_parameters)])


def add_handlers(app: FastAPI) -> None:
    """Make every error a problem document. None of them repeats what the caller sent."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return respond(request, problem)

    @app.exception_handler(Unavailable)
    async def on_unavailable(request: Request, _: Unavailable) -> Response:
        return respond(request, Problem("unavailable"))

    @app.exception_handler(RequestValidationError)
    async def on_invalid_parameters(request: Request, error: RequestValidationError) -> Response:
        names = ", ".join(sorted({str(detail["loc"][-1]) for detail in error.errors()}))
        return respond(request, Problem("invalid_parameter", f"not valid: {names}"))

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            return respond(request, Problem("method_not_allowed", headers={"Allow": allowed_methods(request)}))
        return respond(request, Problem("not_found" if error.status_code == 404 else "internal_error"))

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        logger.error("request failed", request_id=request.state.request_id, path=request.scope["path"], exc_info=error)
        response = respond(request, Problem("internal_error"))
        response.headers["X-Request-Id"] = request.state.request_id  # this handler stands outside of the middleware
        response.headers["Connection"] = "close"  # Starlette raises the error again after this answer; then uvicorn hangs up
        return response


def allowed_methods(request: Request) -> str:
    """Return the methods of all routes of this path: Starlette's own answer knows only the first."""
    if request.scope["root_path"]:
        return "GET, HEAD"  # the files that /docs loads: below their mount there are no routes
    methods = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
    scopes = {method: {**request.scope, "method": method} for method in methods}
    routes = request.app.routes
    return ", ".join(m for m in methods if any(route.matches(scopes[m])[0] is Match.FULL for route in routes))


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        app.openapi_schema = openapi.complete(document, thin.paths(), [clients.ClientRequest, *thin.MODELS])
    return app.openapi_schema
