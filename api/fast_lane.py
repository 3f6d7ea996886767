"""The verbs that carry the load, called in front of FastAPI, whose layers cost more than the verbs themselves."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.failures import answer_to
from api.problems import Problem

PARAMETER = "/{id}"

# FastAPI parses all query parameters and cookies of a request, known or not, also before it asks for a key: 32 000 of either fit
# into a head and take 60 ms. No path has more than six parameters, and nothing here reads cookies.
PARAMETERS_MAX = 50

Endpoint = Callable[[Request], Awaitable[Response]]


class FastLane:
    """ASGI in front of an application: calls an endpoint directly when method and path are its own.

    `verbs` maps methods and paths to endpoints; a path may end in a parameter, `/{id}`. All of them are routes of the application
    too, which answers everything else.
    """

    def __init__(self, app: FastAPI, verbs: Mapping[tuple[str, str], Endpoint]) -> None:
        self._app = app
        self._verbs = {key: endpoint for key, endpoint in verbs.items() if not key[1].endswith(PARAMETER)}
        self._parents = {
            (method, path.removesuffix(PARAMETER)): endpoint
            for (method, path), endpoint in verbs.items()
            if path.endswith(PARAMETER)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoint(scope) if scope["type"] == "http" else None
        if endpoint is None:
            await self._answer_slowly(scope, receive, send)
            return
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except Exception as error:  # noqa: BLE001  # each has its answer
            response = answer_to(request, error)
        await response(scope, receive, send)

    async def _answer_slowly(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            # The application answers a GET. The server leaves the body out, since its own scope still says HEAD.
            await self({**scope, "method": "GET"}, receive, send)
        elif scope["query_string"].count(b"&") >= PARAMETERS_MAX:
            scope["app"] = self._app
            problem = Problem("invalid_parameter", f"more than {PARAMETERS_MAX} query parameters are given")
            await answer_to(Request(scope), problem)(scope, receive, send)
        else:
            headers = [field for field in scope["headers"] if field[0] != b"cookie"]
            await self._app({**scope, "headers": headers}, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        method, path = scope["method"], scope["path"]
        endpoint = self._verbs.get((method, path))
        if endpoint is None:
            parent, _, id = path.rpartition("/")
            if id and (endpoint := self._parents.get((method, parent))):
                scope["path_params"] = {"id": id}
        return endpoint
