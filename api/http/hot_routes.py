"""The hot routes carry the load. They are called in front of FastAPI, whose layers cost more than the endpoints themselves."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.failures import error_response
from api.http.problems import Problem

# FastAPI parses all query parameters and cookies of a request, known or not, before the caller is authenticated. A head holds up to
# 32 000 of either, which take 60 ms. No path has more than six parameters, and no route reads cookies.
PARAMETERS_MAX = 50

HEAD = "teller.head"  # in the scope of a request whose method was HEAD

Endpoint = Callable[..., Awaitable[Response]]


class HotRoute(NamedTuple):
    """A route of the application. If the last segment of its path is a parameter, `parameter` is its name and `path` the rest."""

    method: str
    path: str
    endpoint: Endpoint
    parameter: str | None


class HotRoutes:
    """ASGI in front of an application: calls the hot endpoints directly. The application answers everything else.

    Method, path and parameter of a hot endpoint are those of its route in the application. The route's dependencies do not run: a
    hot endpoint authenticates its caller and refuses query parameters by itself.
    """

    def __init__(self, app: FastAPI, endpoints: Collection[Endpoint]) -> None:
        self._app = app
        routes = list(routes_to(endpoints, app))
        self._fixed = {(route.method, route.path): route.endpoint for route in routes if route.parameter is None}
        self._parents = {(route.method, route.path): (route.endpoint, route.parameter) for route in routes if route.parameter}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoint(scope) if scope["type"] == "http" else None
        if endpoint is None:
            await self._pass_on(scope, receive, send)
            return
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            response = await endpoint(request, **scope["path_params"])
        except Exception as error:  # noqa: BLE001  # each becomes a response
            response = error_response(request, error)
        await response(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer. It gets no cookies and at most PARAMETERS_MAX query parameters."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            # The application answers a GET. uvicorn sends no body, because its own scope still says HEAD. A stream makes none then.
            await self({**scope, "method": "GET", HEAD: True}, receive, send)
        elif scope["query_string"].count(b"&") >= PARAMETERS_MAX:
            scope["app"] = self._app
            problem = Problem("invalid_parameter", f"more than {PARAMETERS_MAX} query parameters are given")
            await error_response(Request(scope), problem)(scope, receive, send)
        else:
            headers = [field for field in scope["headers"] if field[0] != b"cookie"]
            await self._app({**scope, "headers": headers}, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        """Return the hot endpoint for the request's method and path, and write the path's parameter into the scope."""
        method, path = scope["method"], scope["path"]
        scope["path_params"] = {}
        endpoint = self._fixed.get((method, path))
        if endpoint is None:
            parent, _, value = path.rpartition("/")
            if value and (found := self._parents.get((method, parent))):
                endpoint, parameter = found
                scope["path_params"] = {parameter: value}
        return endpoint


def routes_to(endpoints: Collection[Endpoint], app: FastAPI) -> Iterator[HotRoute]:
    """Yield the application's routes to these endpoints. Only the last segment of a path may be a parameter."""
    for route in iter_route_contexts(app.routes):
        if route.endpoint is not None and route.path and route.endpoint in endpoints:
            parent, _, last = route.path.rpartition("/")
            parameter = last[1:-1] if last.startswith("{") else None
            fixed = parent if parameter else route.path
            assert "{" not in fixed
            for method in route.methods or ():
                yield HotRoute(method, fixed, route.endpoint, parameter)
