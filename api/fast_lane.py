"""The verbs that carry the load, called in front of FastAPI, whose layers cost more than the verbs themselves."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.failures import answer_to

PARAMETER = "/{id}"

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
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except Exception as error:  # noqa: BLE001  # each has its answer
            response = answer_to(request, error)
        await response(scope, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        method, path = scope["method"], scope["path"]
        endpoint = self._verbs.get((method, path))
        if endpoint is None:
            parent, _, id = path.rpartition("/")
            if id and (endpoint := self._parents.get((method, parent))):
                scope["path_params"] = {"id": id}
        return endpoint
