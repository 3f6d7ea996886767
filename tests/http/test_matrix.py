"""Every route for every role: what it may do with its own things, with those of another client, and with absent ones.

A route that is added fails here until it has its row. What is another's is answered, to the letter, as if it were not there.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from api.app import create_api
from core import ids
from core.ids import Prefix
from core.settings import Settings
from tests.caller import Answer, Caller, new_key
from tests.hooks import fan_out_at
from tests.http.conftest import AsClient
from tests.system import System

Thing: TypeAlias = dict[str, str]

WHOSE = ("own", "another's", "absent")
REFUSED = (403, 403, 403)
SHUT = (401, 401, 401)
OPEN = (200, 200, 200)
ELSEWHERE = (308, 308, 308)  # a redirect
NOT_FOUND = (404, 404, 404)  # what belongs to its owner alone, also before operators

HOOK = "https://example.com/hook"


@dataclass(frozen=True)
class Row:
    """The statuses for a caller's own thing, another client's, and an absent one, by role. An operator owns none of them.

    What is in braces, in the path's parameters, `query` and `body`, is the thing's.
    """

    operator: tuple[int, int, int]
    client: tuple[int, int, int]
    nobody: tuple[int, int, int] = SHUT
    viewer: tuple[int, int, int] | None = None  # where it is not what `of` says
    query: str = ""
    body: Any = None
    transfer: str = "transfer_id"  # which of the thing's transfers the path names

    def of(self, role: str, method: str) -> tuple[int, int, int]:
        """Return the statuses for the role. A viewer reads what an operator reads, and nothing else is open to it."""
        if role == "viewer":
            return self.viewer or (self.operator if method == "GET" else REFUSED)
        statuses: tuple[int, int, int] = getattr(self, role)
        return statuses

    def names_a_thing(self, path: str) -> bool:
        """Return whether a request differs by the thing it is sent for. Where not, two answers differ by time alone."""
        return "{" in f"{path}{self.query}{json.dumps(self.body).removeprefix('{')}"


MONEY = (
    "/deposits",
    "/withdrawals",
    "/transfers",
    "/holds",
    "/capture",
    "/release",
    "/reverse",
    "/close",
)  # the ends of their paths

AROUND = Row(OPEN, OPEN, OPEN)
TRANSFER = {"source_wallet_id": "{wallet_id}", "destination_wallet_id": "{third_wallet_id}", "amount": 1}

MATRIX: dict[tuple[str, str], Row] = {
    ("POST", "/v1/clients"): Row((201, 201, 201), REFUSED, body={"name": "Eve"}),
    ("GET", "/v1/clients"): Row(OPEN, REFUSED, query="?external_id={external_id}"),
    ("GET", "/v1/clients/{client_id}"): Row((200, 200, 404), (200, 404, 404)),
    ("PATCH", "/v1/clients/{client_id}"): Row((200, 200, 404), REFUSED, body={"name": "Eve", "reason": "asked"}),
    ("GET", "/v1/clients/{client_id}/changes"): Row((200, 200, 404), REFUSED),
    ("POST", "/v1/clients/{client_id}/wallets"): Row((201, 201, 404), REFUSED, body={"currency": "JPY"}),
    ("POST", "/v1/clients/{client_id}/keys"): Row((201, 201, 404), REFUSED),
    ("GET", "/v1/clients/{client_id}/keys"): Row((200, 200, 404), REFUSED),
    ("POST", "/v1/keys"): Row((201, 201, 201), REFUSED, body={"role": "viewer"}),
    ("GET", "/v1/keys"): Row(OPEN, REFUSED),
    ("DELETE", "/v1/keys/{key_id}"): Row((204, 204, 404), REFUSED),
    ("GET", "/v1/wallets/{wallet_id}"): Row((200, 200, 404), (200, 404, 404)),
    ("GET", "/v1/wallets/{wallet_id}/entries"): Row((200, 200, 404), (200, 404, 404)),
    ("GET", "/v1/wallets/{wallet_id}/statement"): Row(
        (200, 200, 404), (200, 404, 404), query="?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z"
    ),
    ("GET", "/v1/wallets/{wallet_id}/balance"): Row((200, 200, 404), (200, 404, 404), query="?at=2026-12-31T00:00:00Z"),
    ("POST", "/v1/deposits"): Row((202, 202, 422), REFUSED, body={"wallet_id": "{wallet_id}", "amount": 1}),
    ("POST", "/v1/transfers"): Row((202, 202, 422), (202, 422, 422), body=TRANSFER),
    ("POST", "/v1/transfers/batch"): Row(OPEN, OPEN, body={"transfers": [{"idempotency_key": "{new_key}", **TRANSFER}]}),
    ("GET", "/v1/transfers"): Row(OPEN, OPEN, query="?wallet_id={wallet_id}"),
    ("GET", "/v1/search"): Row(OPEN, REFUSED, query="?q={wallet_id}"),
    ("GET", "/v1/transfers/{transfer_id}"): Row((200, 200, 404), (200, 404, 404)),
    ("GET", "/v1/wallets/{wallet_id}/holds"): Row((200, 200, 404), (200, 404, 404)),
    ("PATCH", "/v1/wallets/{wallet_id}"): Row(
        (200, 200, 404), (403, 404, 404), body={"reason": "asked", "limits": {"balance_max": 1000}}
    ),
    ("GET", "/v1/wallets/{wallet_id}/changes"): Row((200, 200, 404), (403, 404, 404)),
    ("POST", "/v1/wallets/{wallet_id}/close"): Row((202, 202, 404), (403, 404, 404), body={"sweep_outside": True}),
    ("POST", "/v1/withdrawals"): Row((202, 202, 422), REFUSED, body={"wallet_id": "{wallet_id}", "amount": 1}),
    ("POST", "/v1/holds"): Row((202, 202, 422), (202, 422, 422), body=TRANSFER),
    ("POST", "/v1/transfers/{transfer_id}/capture"): Row(
        (202, 202, 404), (202, 404, 404), body={"amount": 1}, transfer="hold_for_it"
    ),
    ("POST", "/v1/transfers/{transfer_id}/release"): Row(
        (202, 202, 404), (202, 404, 404), body={"amount": 1}, transfer="hold_for_it"
    ),
    ("POST", "/v1/transfers/{transfer_id}/reverse"): Row(
        (202, 202, 404), (202, 404, 404), body={"amount": 1}, transfer="paid_to_it"
    ),
    ("POST", "/v1/transfers/{transfer_id}/cancel"): Row((200, 200, 404), (200, 404, 404), transfer="scheduled"),
    ("GET", "/v1/events"): Row((200, 200, 400), (200, 400, 400), query="?after={event_id}"),
    ("GET", "/v1/events/{event_id}"): Row((200, 200, 404), (200, 404, 404)),
    ("POST", "/v1/webhook-endpoints"): Row((201, 201, 201), (201, 201, 201), body={"url": HOOK}),
    ("GET", "/v1/webhook-endpoints"): Row(OPEN, OPEN),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): Row(NOT_FOUND, (200, 404, 404)),
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): Row(NOT_FOUND, (200, 404, 404), body={"description": "mine"}),
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): Row(NOT_FOUND, (204, 404, 404)),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): Row(NOT_FOUND, (200, 404, 404)),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): Row(NOT_FOUND, (200, 404, 404)),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/redeliver"): Row(
        NOT_FOUND, (202, 404, 404), body={"since": "2026-01-31T09:30:00Z"}
    ),
    ("GET", "/v1/transfers/{transfer_id}/deliveries"): Row((200, 200, 404), (200, 404, 404)),
    ("POST", "/v1/deliveries/{delivery_id}/redeliver"): Row(NOT_FOUND, (202, 404, 404)),
    ("GET", "/v1/webhook-secret"): Row(OPEN, OPEN, viewer=REFUSED),
    ("POST", "/v1/webhook-secret/rotate"): Row(OPEN, OPEN),
    ("GET", "/v1/ops/queue"): Row(OPEN, REFUSED),
    ("GET", "/v1/ops/processes"): Row(OPEN, REFUSED),
    ("GET", "/v1/ops/database"): Row(OPEN, REFUSED),
    ("GET", "/v1/ops/settings"): Row(OPEN, REFUSED),
    ("GET", "/healthz"): AROUND,
    ("GET", "/readyz"): AROUND,
    ("GET", "/metrics"): AROUND,
    ("GET", "/problems"): AROUND,
    ("GET", "/problems/{code}"): AROUND,
    ("GET", "/openapi.json"): AROUND,
    ("GET", "/docs"): AROUND,
    ("GET", "/"): AROUND,
    ("GET", "/redoc"): Row(ELSEWHERE, ELSEWHERE, ELSEWHERE),
    ("GET", "/static-offline-docs/swagger-ui-bundle.js"): AROUND,
    ("GET", "/static-offline-docs/swagger-ui.css"): AROUND,
    ("GET", "/static-offline-docs/favicon.png"): AROUND,
}


@dataclass(frozen=True)
class Stage:
    """The callers, and the things that they ask for; `another's` belongs to a client that has no transfer with the first."""

    callers: dict[str, Caller]
    another: Caller
    things: dict[str, Thing]


@pytest.fixture
def stage(caller: Caller, as_client: AsClient, shared_system: System) -> Iterator[Stage]:
    nobody = Caller(caller.url, key=None)
    ada, bob = caller.new_client(external_id=new_key()), caller.new_client(external_id=new_key())
    adas, bobs = as_client(ada), as_client(bob)
    url = shared_system.database_url
    things = {"own": thing_of(caller, ada, adas, url), "another's": thing_of(caller, bob, bobs, url), "absent": absent(caller)}
    caller.request("POST", "/v1/webhook-secret/rotate")
    viewer = Caller(caller.url, caller.post("/v1/keys", {"role": "viewer"}).body["key"])
    yield Stage({"nobody": nobody, "client": adas, "viewer": viewer, "operator": caller}, bobs, things)
    nobody.close()
    viewer.close()


def thing_of(caller: Caller, client: Any, as_client: Caller, database_url: str) -> Thing:
    """All that a client may have, with money left. What only itself can make is made as the client."""
    wallet_id, third = client["wallet"]["id"], caller.new_wallet(100)
    made = as_client.post("/v1/webhook-endpoints", {"url": HOOK})
    assert made.status == 201, made
    endpoint = made.body
    caller.deposit(wallet_id, 100)
    moved = caller.wait_final(caller.transfer(wallet_id, third, 1).body["id"])
    assert moved["status"] == "applied"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    fan_out_at(database_url)
    key = caller.request("POST", f"/v1/clients/{client['id']}/keys").body
    as_client.request("POST", "/v1/webhook-secret/rotate")
    return {
        "client_id": client["id"],
        "external_id": client["external_id"],
        "wallet_id": wallet_id,
        "third_wallet_id": third,
        "transfer_id": moved["id"],
        "hold_for_it": caller.applied(caller.hold(third, wallet_id, 10))["id"],
        "paid_to_it": caller.applied(caller.transfer(third, wallet_id, 10))["id"],
        "scheduled": as_client.transfer(wallet_id, third, 1, scheduled_for=tomorrow).body["id"],
        "event_id": moved["id"].replace("trf_", "evt_"),
        "key_id": key["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": as_client.get(f"/v1/transfers/{moved['id']}/deliveries").body["data"][0]["id"],
        "code": "not_found",
    }


def absent(caller: Caller) -> Thing:
    named = {
        "client_id": Prefix.CLIENT,
        "wallet_id": Prefix.WALLET,
        **dict.fromkeys(("transfer_id", "hold_for_it", "paid_to_it", "scheduled"), Prefix.TRANSFER),
        "event_id": Prefix.EVENT,
        "key_id": Prefix.KEY,
        "endpoint_id": Prefix.ENDPOINT,
        "delivery_id": Prefix.DELIVERY,
    }
    fresh = {name: ids.text(prefix, ids.mint()) for name, prefix in named.items()}
    return {**fresh, "external_id": new_key(), "third_wallet_id": caller.new_wallet(), "code": "not_found"}


def fill(value: Any, thing: Thing) -> Any:
    """Put the thing in for what is in braces."""
    if isinstance(value, dict):
        return {name: fill(item, thing) for name, item in value.items()}
    if isinstance(value, list):
        return [fill(item, thing) for item in value]
    return value.format(**thing, new_key=new_key()) if isinstance(value, str) else value


def send(caller: Caller, route: tuple[str, str], thing: Thing, row: Row | None = None) -> Answer:
    (method, path), row = route, row or MATRIX[route]
    key = new_key() if method == "POST" and path.endswith(MONEY) else None
    named = {**thing, "transfer_id": thing[row.transfer]}
    return caller.request(method, fill(path + row.query, named), fill(row.body, named), key=key)


def told(answer: Answer) -> object:
    """Return all that an answer tells, without what names the request itself."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id", "content-length")}
    return answer.status, headers, without_request(answer.body)


def without_request(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_request(item) for name, item in value.items() if name not in ("instance", "request_id")}
    return [without_request(item) for item in value] if isinstance(value, list) else value


def all_of(stage: Stage, thing: Thing) -> list[object]:
    """Return all that the operator sees of another client, and what that sees of its own."""
    client, wallet = thing["client_id"], thing["wallet_id"]
    paths = (
        f"/v1/clients/{client}",
        f"/v1/clients/{client}/keys",
        f"/v1/wallets/{wallet}/entries",
        f"/v1/transfers?wallet_id={wallet}",
    )
    own = (
        "/v1/webhook-endpoints",
        "/v1/webhook-secret",
        f"/v1/webhook-endpoints/{thing['endpoint_id']}/deliveries",
        f"/v1/transfers/{thing['transfer_id']}/deliveries",
    )
    return [
        *(stage.callers["operator"].get(path).body for path in paths),
        *(without_request(stage.another.get(path).body) for path in own),
    ]


@pytest.mark.parametrize("route", MATRIX, ids=" ".join)
def test_each_role_may_do_what_the_matrix_says_and_learns_nothing_else(stage: Stage, route: tuple[str, str]) -> None:
    anothers = stage.things["another's"]
    before = all_of(stage, anothers)

    for role in ("nobody", "client", "viewer", "operator"):
        answers = [send(stage.callers[role], route, stage.things[whose]) for whose in WHOSE]
        assert tuple(answer.status for answer in answers) == MATRIX[route].of(role, route[0]), (role, answers)
        if role in ("nobody", "client"):
            assert not MATRIX[route].names_a_thing(route[1]) or told(answers[1]) == told(answers[2]), role
        if role != "operator":
            assert all_of(stage, anothers) == before, role
        for whose, answer in zip(WHOSE, answers, strict=True):
            if answer.status in (401, 403, 404):
                assert answer.code in ("unauthorized", "forbidden", "not_found"), (role, whose)


@pytest.mark.parametrize("route", [route for route in MATRIX if route[0] == "POST" and route[1].endswith(MONEY)], ids=" ".join)
def test_a_preview_is_for_the_roles_of_its_verb_and_learns_nothing_else(stage: Stage, route: tuple[str, str]) -> None:
    row = MATRIX[route]
    previewed = replace(row, query="?preview=true")
    before = all_of(stage, stage.things["another's"])
    for role in ("nobody", "client", "viewer", "operator"):
        answers = [send(stage.callers[role], route, stage.things[whose], previewed) for whose in WHOSE]
        # To a viewer a preview is what an operator reads: it stores nothing.
        stored = [200 if status == 202 else status for status in getattr(row, "operator" if role == "viewer" else role)]
        assert [answer.status for answer in answers] == stored, (role, answers)
        if role in ("nobody", "client"):
            assert told(answers[1]) == told(answers[2]), role
    assert all_of(stage, stage.things["another's"]) == before


CHANGING = [route for route in MATRIX if route[0] != "GET" and not route[1].endswith(MONEY)]


@pytest.mark.parametrize("route", CHANGING, ids=" ".join)
def test_a_route_without_previews_is_not_opened_to_a_viewer_by_asking_for_one(stage: Stage, route: tuple[str, str]) -> None:
    before = all_of(stage, stage.things["another's"])

    answer = send(stage.callers["viewer"], route, stage.things["another's"], replace(MATRIX[route], query="?preview=true"))

    assert (answer.status, answer.code) in {(403, "forbidden"), (400, "invalid_parameter")}
    assert all_of(stage, stage.things["another's"]) == before


def test_every_route_has_its_row(shared_system: System, caller: Caller) -> None:
    app = create_api(Settings.model_validate({"DATABASE_URL": shared_system.database_url}))
    documented = {
        (method.upper(), path) for path, methods in caller.get("/openapi.json").body["paths"].items() for method in methods
    }

    assert unnamed(set(routes_of(app))) == unnamed(set(MATRIX))
    assert documented <= set(MATRIX)


def routes_of(router: Any) -> Iterator[tuple[str, str]]:
    """Return method and path of every route, also of those that the OpenAPI document hides. Mounted files have no methods."""
    for route in router.routes:
        if hasattr(route, "original_router"):  # how FastAPI keeps a router that was included
            yield from routes_of(route.original_router)
        for method in (getattr(route, "methods", None) or set()) - {"HEAD"}:
            yield method, route.path


def unnamed(routes: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the routes without their parameters' names."""
    return {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in routes}
