"""Each route under /v1 requires one key, and gives the same answer to all requests without one. Rights of keys: test_matrix.py."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core import ids, keys
from tests.caller import OPERATOR_KEY, Answer, Caller, new_key
from tests.http.conftest import Count
from tests.system import System

SOME_IDS = {
    "{client_id}": "cli_01h455vb4pex5vsknk084sn02q",
    "{wallet_id}": "wal_01h455vb4pex5vsknk084sn02q",
    "{transfer_id}": "trf_01h455vb4pex5vsknk084sn02q",
    "{key_id}": "key_01h455vb4pex5vsknk084sn02q",
    "{event_id}": "evt_01h455vb4pex5vsknk084sn02q",
    "{endpoint_id}": "whk_01h455vb4pex5vsknk084sn02q",
    "{delivery_id}": "dlv_01h455vb4pex5vsknk084sn02q",
    "{code}": "not_found",
}

BAD_CREDENTIALS: dict[str, list[tuple[str, str]]] = {
    "none": [],
    "empty": [("Authorization", "")],
    "the scheme alone": [("Authorization", "Bearer")],
    "the scheme and a space": [("Authorization", "Bearer ")],
    "the key alone": [("Authorization", OPERATOR_KEY)],
    "another scheme": [("Authorization", f"Basic {OPERATOR_KEY}")],
    "two spaces": [("Authorization", f"Bearer  {OPERATOR_KEY}")],
    "a tab": [("Authorization", f"Bearer\t{OPERATOR_KEY}")],
    "in quotes": [("Authorization", f'Bearer "{OPERATOR_KEY}"')],
    "in another case": [("Authorization", f"Bearer {OPERATOR_KEY.upper()}")],
    "cut off": [("Authorization", f"Bearer {OPERATOR_KEY[:-1]}")],
    "with more after it": [("Authorization", f"Bearer {OPERATOR_KEY}, Bearer {OPERATOR_KEY}")],
    "twice": [("Authorization", f"Bearer {OPERATOR_KEY}"), ("Authorization", f"Bearer {OPERATOR_KEY}")],
    "good and bad": [("Authorization", f"Bearer {OPERATOR_KEY}"), ("Authorization", "Bearer no")],
    "not ASCII": [("Authorization", "Bearer schlüssel")],
    "long": [("Authorization", "Bearer " + "k" * 50_000)],
    "unknown": [("Authorization", f"Bearer {keys.generate()}")],
    "in another header": [("X-Api-Key", OPERATOR_KEY)],
    "in a cookie": [("Cookie", f"key={OPERATOR_KEY}")],
}

KEYS_OF_OTHER_FORM = ("two spaces", "in quotes", "with more after it")  # what follows `Bearer ` is read as a key, whatever it is
KEY_NOT_GIVEN = "Add the header `Authorization: Bearer <key>` exactly once."
KEY_NOT_KNOWN = "This key is not known, or was revoked."


@pytest.fixture
def stranger(shared_system: System) -> Iterator[Caller]:
    """Calls the shared system without a key."""
    stranger = Caller(shared_system.url, key=None)
    yield stranger
    stranger.close()


def operations(caller: Caller) -> list[tuple[str, str]]:
    """Return (method, path) of every operation in the OpenAPI document, with some id in its path."""
    found = []
    for template, methods in caller.get("/openapi.json").body["paths"].items():
        path = template
        for name, id in SOME_IDS.items():
            path = path.replace(name, id)
        assert "{" not in path, "a new parameter: give it a value in SOME_IDS"
        found += [(method.upper(), path) for method in methods]
    return found


def same(answer: Answer) -> dict[str, Any]:
    """Return the body without what differs from request to request."""
    return {name: value for name, value in answer.body.items() if name != "request_id"}


@pytest.mark.parametrize("credentials", BAD_CREDENTIALS)
def test_every_route_under_v1_says_whether_a_key_is_missing_or_not_known(stranger: Caller, credentials: str) -> None:
    said = KEY_NOT_KNOWN if credentials in {"in another case", "cut off", "long", "unknown", *KEYS_OF_OTHER_FORM} else KEY_NOT_GIVEN
    guarded = [operation for operation in operations(stranger) if operation[1].startswith("/v1/")]
    assert len(guarded) >= 9

    for method, path in guarded:
        plain = stranger.request(method, path)
        answer = stranger.request(method, path, headers=BAD_CREDENTIALS[credentials])
        assert (answer.status, answer.code) == (401, "unauthorized"), (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.body["detail"] == said, (method, path)
        assert same(answer) == {**same(plain), "detail": said}


def test_a_revoked_key_is_as_good_as_one_that_never_was(stranger: Caller, shared_database: psycopg.Connection[Any]) -> None:
    key = keys.generate()
    shared_database.execute(
        "INSERT INTO keys (id, role, digest, revoked_at) VALUES (%s, 'operator', %s, now())", [ids.mint(), keys.digest(key)]
    )

    revoked = stranger.get("/v1/clients", headers={"Authorization": f"Bearer {key}"})

    unknown = stranger.get("/v1/clients", headers={"Authorization": f"Bearer {keys.generate()}"})
    assert (revoked.status, same(revoked)) == (401, same(unknown))
    assert revoked.body["detail"] == KEY_NOT_KNOWN


def test_all_operators_keys_share_one_scope_of_idempotency_keys(
    stranger: Caller, caller: Caller, shared_database: psycopg.Connection[Any]
) -> None:
    key = keys.generate()
    shared_database.execute("INSERT INTO keys (id, role, digest) VALUES (%s, 'operator', %s)", [ids.mint(), keys.digest(key)])
    authorization = {"Authorization": f"Bearer {key}"}
    body, deposit_key = {"wallet_id": caller.new_wallet(), "amount": 5}, new_key()

    mine = caller.post("/v1/deposits", body, key=deposit_key)
    theirs = stranger.post("/v1/deposits", body, key=deposit_key, headers=authorization)

    assert mine.body["id"] == theirs.body["id"]
    assert theirs.headers["idempotent-replayed"] == "true"
    assert stranger.get("/v1/clients?limit=1", headers=authorization).status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_schemes_case_does_not_matter(stranger: Caller, scheme: str) -> None:
    assert stranger.get("/v1/clients?limit=1", headers={"Authorization": f"{scheme} {OPERATOR_KEY}"}).status == 200


def test_a_key_is_never_taken_from_the_url(stranger: Caller) -> None:
    for query in (f"key={OPERATOR_KEY}", f"access_token={OPERATOR_KEY}", f"Authorization=Bearer%20{OPERATOR_KEY}"):
        answer = stranger.get(f"/v1/clients?{query}")
        assert answer.status == 401
        assert OPERATOR_KEY not in str(answer.body)


def test_nothing_is_said_about_body_and_parameters_before_the_key_is_good(stranger: Caller, count_stored: Count) -> None:
    before = count_stored()
    expected = {path: same(stranger.post(path, {})) for path in ("/v1/deposits", "/v1/transfers", "/v1/clients")}
    strange: list[tuple[bytes, str, dict[str, str]]] = [
        (b"", "", {}),
        (b"{", "", {}),
        (b'{"a": 1, "a": 2}', "", {}),
        (b" " * 20_000, "", {}),
        (b"{}", "?x=1", {}),
        (b"{}", "", {"Content-Type": "text/plain"}),
        (b"{}", "", {"Content-Encoding": "gzip"}),
        (b"{}", "", {"Idempotency-Key": ""}),
        (b"{}", "", {"Idempotency-Key": "a b"}),
    ]

    for path, unauthorized in expected.items():
        for body, query, headers in strange:
            answer = stranger.post(path + query, body, headers=headers)
            assert (answer.status, same(answer)) == (401, unauthorized), (path, body[:20], query, headers)
    for path in (
        "/v1/clients?limit=0",
        "/v1/transfers?cursor=x&cursor=y",
        "/v1/wallets/x",
        "/v1/transfers/x?y=1",
        "/v1/clients/%00",
    ):
        assert stranger.get(path).code == "unauthorized", path
    assert count_stored() == before


def test_what_is_around_needs_no_key(stranger: Caller) -> None:
    for method, path in [*operations(stranger), ("GET", "/openapi.json"), ("GET", "/docs")]:
        if not path.startswith("/v1/"):
            assert stranger.request(method, path).status == 200, path


def test_what_is_around_does_not_look_at_keys(stranger: Caller) -> None:
    for path in ("/healthz", "/readyz", "/problems"):
        assert stranger.get(path, headers={"Authorization": "Bearer no"}).status == 200
