"""The hot routes are those of the application: method, path and parameter are declared once, by the route's decorator."""

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from api.app import HOT, create_api
from api.http.hot_routes import HotRoute, routes_to
from core.settings import Settings


async def endpoint(request: Request) -> Response:
    return Response()


async def cold(request: Request) -> Response:
    return Response()


def app_with(path: str) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    router.post(path)(endpoint)
    router.get(path)(cold)
    app.include_router(router)
    return app


def test_each_hot_endpoint_is_found_at_its_route() -> None:
    app = create_api(Settings.model_validate({"DATABASE_URL": "postgresql://teller@127.0.0.1/teller"}))
    deposit, transfer, batch, get_transfer = HOT

    assert sorted(routes_to(HOT, app)) == sorted([
        HotRoute("POST", "/v1/deposits", deposit, None),
        HotRoute("POST", "/v1/transfers", transfer, None),
        HotRoute("POST", "/v1/transfers/batch", batch, None),
        HotRoute("GET", "/v1/transfers", get_transfer, "transfer_id"),
    ])  # fmt: skip


@pytest.mark.parametrize(("path", "parent", "parameter"), [("/a/b", "/a/b", None), ("/a/{b}", "/a", "b")])
def test_a_route_is_hot_by_its_endpoint_alone(path: str, parent: str, parameter: str | None) -> None:
    assert list(routes_to([endpoint], app_with(path))) == [HotRoute("POST", parent, endpoint, parameter)]


@pytest.mark.parametrize("path", ["/a/{b}/c", "/{a}/{b}"])
def test_a_parameter_that_is_not_the_last_segment_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(AssertionError):
        list(routes_to([endpoint], app_with(path)))
