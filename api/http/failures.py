"""Every error of a request becomes a problem document, which never repeats what the caller sent."""

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from api.http.problems import RETRY_AFTER_S, Problem, invalid_parameters, problem_response
from api.http.validation import parameter_errors
from core import log
from core.errors import Busy, Unavailable

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")

logger = log.get(__name__)


def error_response(request: Request, error: Exception) -> Response:
    """Return the response to a request that ended with this error."""
    return problem_response(request, problem_of(request, error))


def problem_of(request: Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return busy() if isinstance(error, Busy) else Problem("unavailable")
    if isinstance(error, RequestValidationError):
        return invalid_parameters(parameter_errors(error.errors()))
    if isinstance(error, HTTPException) and error.status_code == 405:
        return Problem("method_not_allowed", headers={"Allow": allowed_methods(request)})
    if isinstance(error, HTTPException) and error.status_code == 404:
        return Problem("not_found")
    logger.error("request failed", exc_info=error)
    return Problem("internal_error")


def busy() -> Problem:
    """Return the problem for a caller with as many requests under way as it may have."""
    return Problem("rate_limited", "you have too many requests under way", headers={"Retry-After": str(RETRY_AFTER_S)})


def allowed_methods(request: Request) -> str:
    """Return the methods of all routes of this path, in alphabetical order: Starlette lists those of the first route alone."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    allowed = [m for m in METHODS if any(route.matches(scopes[m])[0] is Match.FULL for route in routes)]
    return ", ".join(allowed).replace("GET", "GET, HEAD")  # api/http/hot_routes.py answers HEAD
