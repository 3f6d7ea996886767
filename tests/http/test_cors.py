"""Scripts of the origins that the operator allows may call the API from a browser; by default there are none."""

from collections.abc import Iterator

import pytest

from tests.caller import OPERATOR_KEY, Answer, Caller
from tests.databases import Databases
from tests.http.conftest import NOWHERE
from tests.system import System

APP, LOCAL = "https://app.example.com", "http://localhost:3000"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,prefer",
}


@pytest.fixture(scope="module")
def api(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    system = System(tmp_path_factory.mktemp("cors"), databases.migrated(), NOWHERE)
    system.start_api({"TELLER_CORS_ORIGINS": f"{APP}, {LOCAL}"})
    yield system.caller()
    system.close()


def of_cors(answer: Answer) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [APP, LOCAL])
@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/deposits", "/v1/clients", "/v1/webhook-endpoints/whk_x", "/healthz"])
def test_a_preflight_of_an_allowed_origin_is_answered_without_a_key(api: Caller, origin: str, path: str) -> None:
    answer = api.request("OPTIONS", path, headers={"Authorization": "", "Origin": origin, **PREFLIGHT})

    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["access-control-allow-origin"] == origin
    assert set(answer.headers["access-control-allow-methods"].split(", ")) >= {"GET", "HEAD", "POST", "PATCH", "DELETE"}
    allowed = {name.lower() for name in answer.headers["access-control-allow-headers"].split(", ")}
    assert allowed >= {"authorization", "content-type", "idempotency-key", "prefer", "x-request-id"}
    assert int(answer.headers["access-control-max-age"]) > 0
    assert answer.headers["vary"] == "Origin"
    assert "x-request-id" in answer.headers
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com", **PREFLIGHT},
        {"Origin": f"{APP}.evil.example", **PREFLIGHT},
        {"Origin": APP.upper(), **PREFLIGHT},
        {"Origin": "null", **PREFLIGHT},
        {"Origin": APP},
        PREFLIGHT,
    ],
    ids=["another origin", "a longer origin", "another case", "null", "no preflight", "no origin"],
)
def test_other_preflights_are_methods_that_are_not_allowed(api: Caller, headers: dict[str, str]) -> None:
    answer = api.request("OPTIONS", "/v1/transfers", headers=headers)

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["vary"] == "Origin"
    assert ("access-control-allow-origin" in answer.headers) == (headers == {"Origin": APP})


def test_answers_and_problems_may_be_read_by_allowed_origins_alone(api: Caller) -> None:
    wallet = api.new_wallet()
    body = {"wallet_id": wallet, "amount": 1}
    for key, status in (("cors-1", 202), ("cors-1", 202), (None, 400)):
        answer = api.post("/v1/deposits", body, key=key, headers={"Origin": APP})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == APP
        exposed = {name.lower() for name in answer.headers["access-control-expose-headers"].split(", ")}
        assert exposed >= {"location", "retry-after", "idempotent-replayed", "preference-applied", "x-request-id"}

    for path in ("/v1/transfers", "/v1/nothing", "/healthz", "/openapi.json"):
        for origin, allowed in ((APP, True), ("https://evil.example.com", False), ("null", False)):
            answer = api.get(path, headers={"Origin": origin})
            assert ("access-control-allow-origin" in answer.headers) is allowed
            assert answer.headers["vary"] == "Origin"
    shut_out = api.get("/v1/transfers", headers={"Authorization": "Bearer x", "Origin": APP})
    assert (shut_out.status, shut_out.headers["access-control-allow-origin"]) == (401, APP)


def test_without_the_setting_there_is_nothing_of_it(caller: Caller) -> None:
    preflight = caller.request("OPTIONS", "/v1/transfers", headers={"Origin": APP, **PREFLIGHT})
    answer = caller.get("/v1/transfers", headers={"Origin": APP, "Authorization": f"Bearer {OPERATOR_KEY}"})

    assert (preflight.code, answer.status) == ("method_not_allowed", 200)
    assert of_cors(preflight) == of_cors(answer) == set()
    assert "vary" not in answer.headers
