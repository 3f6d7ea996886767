"""Problem documents: one form for every error, each code explained, nothing of the inside told."""

from pathlib import Path

import psycopg

from tests.caller import Caller
from tests.databases import Databases
from tests.http.conftest import NOWHERE
from tests.system import System


def test_a_problem_has_exactly_the_fields_of_the_contract(caller: Caller) -> None:
    plain, failed = caller.get("/v1/nothing?x=Zq7xMark"), caller.post("/v1/clients", {})

    assert plain.body == {
        "type": "/problems/not_found",
        "title": plain.body["title"],
        "status": 404,
        "code": "not_found",
        "detail": plain.body["detail"],
        "instance": "/v1/nothing",
        "request_id": plain.headers["x-request-id"],
    }
    assert set(failed.body) == {*plain.body, "errors"}
    assert failed.body["errors"] == [{"pointer": "/name", "code": "required", "detail": "is required"}]


def test_every_problem_is_explained(caller: Caller) -> None:
    listed = caller.get("/problems")

    assert listed.status == 200
    codes = [row["code"] for row in listed.body["data"]]
    for code, row in zip(codes, listed.body["data"], strict=True):
        answer = caller.get(f"/problems/{code}")
        elsewhere: dict[str, object] = next(
            (one for one in listed.body["codes"] if one["code"] == code), {}
        )  # a code that `failure.code` holds too
        assert (answer.status, answer.body) == (200, {**elsewhere, **row})
        assert row["type"] == f"/problems/{code}"
        assert row["title"]
        assert row["explanation"]
    assert set(codes) >= {
        "invalid_json", "duplicate_key", "idempotency_key_missing", "idempotency_key_invalid", "invalid_parameter",
        "invalid_cursor", "unauthorized", "forbidden", "not_found", "method_not_allowed", "external_id_taken", "body_too_large",
        "unsupported_media_type", "validation_failed", "idempotency_key_reused", "unavailable",
    }  # fmt: skip


def test_a_bug_is_answered_with_a_problem_that_tells_nothing(databases: Databases, tmp_path: Path) -> None:
    url = databases.migrated()
    system = System(tmp_path, url, NOWHERE)
    system.start_api()
    try:
        caller = system.caller()
        wallet = caller.new_wallet()
        with psycopg.connect(databases.owner_url(url), autocommit=True) as connection:
            # Constraints that the API does not know: what Postgres says of them is a bug's error, with values in it.
            connection.execute("ALTER TABLE clients ADD CONSTRAINT secret CHECK (name <> 'Eve')")
            connection.execute("ALTER TABLE transfers ADD CONSTRAINT secret CHECK (amount <> 5)")
        broken = [caller.post("/v1/clients", {"name": "Eve"}, headers={"X-Request-Id": "mine"}), caller.deposit(wallet, 5)]
        healthy = caller.deposit(wallet, 6)
    finally:
        system.close()

    for answer in broken:
        assert (answer.status, answer.code) == (500, "internal_error")
        assert answer.headers["x-request-id"] == answer.body["request_id"]
        told = str(answer.body).lower()
        assert not any(word in told for word in ("secret", "eve", "insert", "psycopg", "traceback", "127.0.0.1"))
    assert broken[0].body["request_id"] == "mine"
    assert healthy.status == 202
