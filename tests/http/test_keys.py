"""Clients' keys: made, shown once, listed without themselves, revoked everywhere within seconds."""

import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.admission.auth import CACHED_FOR_S
from core import ids, keys
from core.ids import Prefix
from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.databases import Databases
from tests.http.conftest import NOWHERE
from tests.http.test_clients import TIME
from tests.system import System
from tests.waiting import LOADED_S, wait_for


def make(caller: Caller, client_id: str) -> Any:
    answer = caller.request("POST", f"/v1/clients/{client_id}/keys")
    assert answer.status == 201, answer
    return answer.body


def listed(caller: Caller, client_id: str) -> list[Any]:
    return list(caller.get(f"/v1/clients/{client_id}/keys").body["data"])


def status(caller: Caller, key: str, path: str) -> int:
    return caller.get(path, headers={"Authorization": f"Bearer {key}"}).status


def test_a_new_key_has_exactly_its_fields_and_opens_its_client(caller: Caller) -> None:
    client = caller.new_client()

    answer = caller.request("POST", f"/v1/clients/{client['id']}/keys")

    made = answer.body
    assert (answer.status, answer.headers["content-type"], answer.headers["cache-control"]) == (201, "application/json", "no-store")
    assert re.fullmatch(r"key_[0-7][0-9a-hjkmnp-tv-z]{25}", made["id"])
    assert re.fullmatch(r"tlr_[A-Za-z0-9_-]{43}", made["key"])
    assert TIME.fullmatch(made["created_at"])
    assert made == {
        "id": made["id"],
        "role": "client",
        "client_id": client["id"],
        "name": None,
        "key": made["key"],
        "hint": hashlib.sha256(made["key"].encode()).hexdigest()[:8],
        "created_at": made["created_at"],
        "last_used_at": None,
        "revoked_at": None,
    }
    assert status(caller, made["key"], f"/v1/clients/{client['id']}") == 200


def test_a_key_is_shown_once_and_stored_and_logged_nowhere(
    shared_system: System, caller: Caller, shared_database: psycopg.Connection[Any]
) -> None:
    client = caller.new_client()
    made = make(caller, client["id"])
    secret = made.pop("key")
    status(caller, secret, "/v1/wallets/x")

    assert [{**row, "last_used_at": None} for row in listed(caller, client["id"])] == [made]
    [(row,)] = shared_database.execute("SELECT keys::text FROM keys WHERE id = %s", [ids.parse(Prefix.KEY, made["id"])]).fetchall()
    assert secret not in row
    assert secret not in shared_system.logs()


def test_a_client_may_have_several_keys_and_lists_are_apart(caller: Caller) -> None:
    ada, bob = caller.new_client()["id"], caller.new_client()["id"]
    made = [make(caller, ada) for _ in range(3)]
    make(caller, bob)

    assert len({key["key"] for key in made}) == 3
    assert [row["id"] for row in listed(caller, ada)] == [key["id"] for key in made[::-1]]
    assert all(status(caller, key["key"], f"/v1/clients/{ada}") == 200 for key in made)


def test_a_revoked_key_stays_in_its_list_and_revoking_it_again_changes_nothing(caller: Caller) -> None:
    client = caller.new_client()["id"]
    kept, revoked = make(caller, client), make(caller, client)

    first = caller.request("DELETE", f"/v1/keys/{revoked['id']}")
    rows = listed(caller, client)
    second = caller.request("DELETE", f"/v1/keys/{revoked['id']}")

    assert (first.status, first.body) == (second.status, second.body) == (204, "")
    assert listed(caller, client) == rows
    assert [(row["id"], row["revoked_at"] is not None) for row in rows] == [(revoked["id"], True), (kept["id"], False)]
    assert status(caller, revoked["key"], f"/v1/clients/{client}") == 401
    assert status(caller, kept["key"], f"/v1/clients/{client}") == 200


def test_what_is_no_key_is_not_found(caller: Caller) -> None:
    client = caller.new_client()["id"]
    key = make(caller, client)
    others = [ids.text(Prefix.KEY, ids.mint()), client, key["key"], key["id"].upper(), key["id"] + "0", key["id"] + "%00"]

    for id in others:
        answer = caller.request("DELETE", f"/v1/keys/{id}")
        assert (answer.status, answer.code) == (404, "not_found"), id
    assert status(caller, key["key"], f"/v1/clients/{client}") == 200


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (None, {}, None),
        (b"{}", {}, None),
        (b"", {}, None),
        (b'{"names": "x"}', {}, "validation_failed"),
        (b"[]", {}, "invalid_json"),
        (b"{", {}, "invalid_json"),
        (b"{}", {"Content-Type": "text/plain"}, "unsupported_media_type"),
        (b" " * 20_000, {}, "body_too_large"),
    ],
)
def test_verbs_that_say_all_in_their_path_take_no_body_or_an_empty_object(
    caller: Caller, body: bytes | None, headers: dict[str, str], code: str | None
) -> None:
    client = caller.new_client()["id"]
    key = make(caller, client)

    made = caller.request("POST", f"/v1/clients/{client}/keys", body, headers=headers)
    revoked = caller.request("DELETE", f"/v1/keys/{key['id']}", body, headers=headers)

    if code:
        assert (made.code, revoked.code) == (code, code)
        assert [row["revoked_at"] for row in listed(caller, client)] == [None]
    else:
        assert (made.status, revoked.status) == (201, 204)


def test_the_use_of_a_key_is_noted_beside_the_request(caller: Caller) -> None:
    client = caller.new_client()["id"]
    unused, used = make(caller, client), make(caller, client)
    path = f"/v1/clients/{client}"
    assert status(caller, used["key"], path) == 200

    def noted() -> list[str | None]:
        return [row["last_used_at"] for row in listed(caller, client) if row["last_used_at"]]

    [at] = wait_for(noted, "a note of the key's use")
    assert used["created_at"] <= str(at)
    assert {row["id"]: row["last_used_at"] for row in listed(caller, client)} == {used["id"]: at, unused["id"]: None}


def test_a_request_waits_for_no_note_of_its_keys_use(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    client = caller.new_client()["id"]

    def took_s() -> float:
        key = make(caller, client)
        with shared_database.transaction():
            shared_database.execute("LOCK TABLE keys IN SHARE MODE")  # reads go on, and every UPDATE waits
            began = time.monotonic()
            assert status(caller, key["key"], f"/v1/clients/{client}") == 200
            return time.monotonic() - began

    # The API waits a second for a lock. A busy machine makes one request of several slow; waiting for the note would slow each.
    assert min(took_s() for _ in range(3)) < 0.9


def test_a_key_keeps_the_name_that_it_was_given(caller: Caller) -> None:
    client = caller.new_client()["id"]

    made = caller.post(f"/v1/clients/{client}/keys", {"name": "the ünïcode shop"})
    unnamed = caller.post(f"/v1/clients/{client}/keys", {"name": None})

    assert (made.status, made.body["name"]) == (201, "the ünïcode shop")
    assert [key["name"] for key in listed(caller, client)] == [None, "the ünïcode shop"]
    assert unnamed.status == 201


@pytest.mark.parametrize("name", ["", "n" * 101, "a\u0000", 7])
def test_a_bad_name_makes_no_key(caller: Caller, name: object) -> None:
    client = caller.new_client()["id"]

    assert set(caller.post(f"/v1/clients/{client}/keys", {"name": name}).field_codes) == {"/name"}
    assert set(caller.post("/v1/keys", {"role": "viewer", "name": name}).field_codes) == {"/name"}
    assert listed(caller, client) == []


def test_a_viewers_key_is_made_listed_with_all_others_and_revoked(caller: Caller) -> None:
    client = caller.new_client()["id"]
    clients_own = make(caller, client)

    answer = caller.post("/v1/keys", {"role": "viewer", "name": "support"})
    first = caller.get("/v1/keys?limit=1").body
    second = caller.get(f"/v1/keys?limit=1&cursor={first['next_cursor']}").body

    made = answer.body
    key = made.pop("key")
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    assert (made["role"], made["client_id"], made["name"]) == ("viewer", None, "support")
    assert first["data"] == [made]
    assert [(row["id"], row["role"]) for row in second["data"]] == [(clients_own["id"], "client")]
    hint = hashlib.sha256(OPERATOR_KEY.encode()).hexdigest()[:8]
    assert first["configured"] == {"role": "operator", "name": "configured", "hint": hint}
    assert status(caller, key, f"/v1/clients/{client}") == 200
    assert status(caller, key, "/v1/keys") == 200
    assert caller.post("/v1/deposits", {}, key=new_key(), headers={"Authorization": f"Bearer {key}"}).code == "forbidden"
    assert caller.request("DELETE", f"/v1/keys/{made['id']}").status == 204
    assert caller.get("/v1/keys?limit=1").body["data"][0]["revoked_at"] is not None


@pytest.mark.parametrize("role", ["operator", "client", "root", None])
def test_over_http_only_viewers_get_a_key_without_a_client(caller: Caller, role: str | None) -> None:
    before = caller.get("/v1/keys?limit=1").body["data"]

    assert set(caller.post("/v1/keys", {"role": role}).field_codes) == {"/role"}

    assert [key["id"] for key in caller.get("/v1/keys?limit=1").body["data"]] == [key["id"] for key in before]


def test_an_operator_revokes_an_operators_key_too(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    key, kept = keys.new_key()
    shared_database.execute("INSERT INTO keys (id, role, digest) VALUES (%s, 'operator', %s)", [kept.id, kept.digest])

    assert caller.request("DELETE", f"/v1/keys/{ids.text(Prefix.KEY, kept.id)}").status == 204
    assert status(caller, key, "/v1/clients?limit=1") == 401


@pytest.fixture
def two_apis(databases: Databases, tmp_path: Path) -> Iterator[tuple[System, System]]:
    """Two API processes on one database."""
    url = databases.migrated()
    systems = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        systems.append(System(tmp_path / name, url, NOWHERE))
        systems[-1].start_api()
    yield systems[0], systems[1]
    for system in systems:
        system.close()


def test_a_revoked_key_opens_nothing_within_five_seconds_in_every_process(two_apis: tuple[System, System]) -> None:
    first, second = (system.caller() for system in two_apis)
    client = first.new_client()["id"]
    path = f"/v1/clients/{client}"
    key = make(first, client)
    assert [status(one, key["key"], path) for one in (first, second)] == [200, 200]  # both remember it from now on

    assert first.request("DELETE", f"/v1/keys/{key['id']}").status == 204
    revoked = time.monotonic()
    for one in (first, second):
        wait_for(lambda one=one: status(one, key["key"], path) == 401, "the key to open nothing", CACHED_FOR_S + LOADED_S)  # type: ignore[misc]
    assert time.monotonic() - revoked < CACHED_FOR_S + LOADED_S
    assert {status(one, key["key"], path) for one in (first, second) for _ in range(5)} == {401}


def test_a_key_that_is_remembered_costs_no_query(databases: Databases, two_apis: tuple[System, System]) -> None:
    system, caller = two_apis[0], two_apis[0].caller()
    client = caller.new_client()
    key = make(caller, client["id"])["key"]
    body = {"wallet_id": client["wallet"]["id"], "amount": 1}
    authorization = {"Authorization": f"Bearer {key}"}
    assert status(caller, key, "/v1/transfers") == 200

    with psycopg.connect(databases.owner_url(system.database_url), autocommit=True) as connection:
        connection.execute("ALTER TABLE keys RENAME TO hidden")
        assert caller.post("/v1/deposits", body, key=new_key(), headers=authorization).code == "forbidden"
        assert status(caller, key, "/v1/transfers") == 200
        connection.execute("ALTER TABLE hidden RENAME TO keys")
