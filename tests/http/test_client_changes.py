"""Changes of clients over HTTP, and their history."""

from contextlib import closing
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from core import ids, keys
from core.ids import Prefix
from tests.caller import Caller, new_key


def client(caller: Caller, id: str) -> Any:
    return caller.get(f"/v1/clients/{id}").body


def changes(caller: Caller, id: str) -> list[Any]:
    return list(caller.get(f"/v1/clients/{id}/changes").body["data"])


def test_a_change_is_shown_and_what_is_absent_stays(caller: Caller) -> None:
    first, second = new_key(), new_key()
    made = caller.new_client("Adda", external_id=first, metadata={"email": "a@example.com", "level": "1"})
    id = made["id"]

    renamed = caller.change_client(id, name="Ada")
    assert (renamed.status, renamed.body) == (200, {**made, "name": "Ada"})
    moved = caller.change_client(id, external_id=second).body
    assert moved == {**made, "name": "Ada", "external_id": second}
    told = caller.change_client(id, metadata={"level": "2"}).body

    assert told == {**moved, "metadata": {"level": "2"}}
    assert client(caller, id) == told
    assert [one["id"] for one in caller.get(f"/v1/clients?external_id={second}").body["data"]] == [id]
    assert caller.get(f"/v1/clients?external_id={first}").body["data"] == []


def test_the_history_keeps_what_was_there_before_and_which_key_asked(
    caller: Caller, shared_database: psycopg.Connection[Any]
) -> None:
    made = caller.new_client("Adda", metadata={"a": "1"})
    id = made["id"]
    key, kept = keys.new_key(name="the shop")
    shared_database.execute("INSERT INTO keys (id, role, digest) VALUES (%s, 'operator', %s)", [kept.id, kept.digest])
    with closing(Caller(caller.url, key)) as another:
        another.change_client(id, "a typing error", name="Ada")
    caller.change_client(id, "once more", name="Ada")
    caller.change_client(id, "moved", external_id="x" + id, metadata={})
    caller.change_client(id, "left", external_id=None)

    first = caller.get(f"/v1/clients/{id}/changes?limit=2").body
    rest = caller.get(f"/v1/clients/{id}/changes?limit=2&cursor={first['next_cursor']}").body

    rows = [*first["data"], *rest["data"]]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert [row["reason"] for row in rows] == ["left", "moved", "a typing error"]
    assert [row["key_id"] for row in rows] == [None, None, ids.text(Prefix.KEY, kept.id)]
    states = [
        {"name": "Adda", "external_id": None, "metadata": {"a": "1"}},
        {"name": "Ada", "external_id": None, "metadata": {"a": "1"}},
        {"name": "Ada", "external_id": "x" + id, "metadata": {}},
        {"name": "Ada", "external_id": None, "metadata": {}},
    ]
    assert [(row["before"], row["after"]) for row in rows[::-1]] == list(pairwise(states))
    other = caller.new_client()["id"]
    assert changes(caller, other) == []
    assert caller.get(f"/v1/clients/{other}/changes?cursor={first['next_cursor']}").code == "invalid_cursor"


def test_an_external_id_of_another_client_is_refused_until_it_is_free(caller: Caller) -> None:
    taken = new_key()
    ada, bob = caller.new_client("Ada", external_id=taken), caller.new_client("Bob")

    refused = caller.change_client(bob["id"], name="Robert", external_id=taken)

    assert (refused.status, refused.code) == (409, "external_id_taken")
    assert (client(caller, bob["id"]), changes(caller, bob["id"])) == (bob, [])
    assert caller.change_client(ada["id"], external_id=None).status == 200
    assert caller.change_client(bob["id"], name="Robert", external_id=taken).body["external_id"] == taken
    assert caller.post("/v1/clients", {"name": "Eve", "external_id": taken}).code == "external_id_taken"


def test_a_repetition_of_the_request_that_made_it_gets_the_client_as_it_is_now(caller: Caller) -> None:
    key, body = new_key(), {"name": "Adda", "external_id": new_key()}
    id = caller.post("/v1/clients", body, key=key).body["id"]
    changed = caller.change_client(id, name="Ada", external_id=None).body

    again = caller.post("/v1/clients", body, key=key)

    assert (again.status, again.headers["idempotent-replayed"], again.body) == (201, "true", changed)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"/name": "required"}),
        ({"name": ""}, {"/name": "required"}),
        ({"name": "n" * 201}, {"/name": "too_long"}),
        ({"name": "a\u0000"}, {"/name": "invalid_string"}),
        ({"name": None}, {"/name": "wrong_type"}),
        ({"external_id": ""}, {"/external_id": "required"}),
        ({"external_id": "e" * 101}, {"/external_id": "too_long"}),
        ({"external_id": 7}, {"/external_id": "wrong_type"}),
        ({"metadata": None}, {"/metadata": "metadata_invalid"}),
        ({"metadata": {"a": 1}}, {"/metadata": "metadata_invalid"}),
        ({"name": "Ada", "reason": ""}, {"/reason": "required"}),
        ({"name": "Ada", "reason": None}, {"/reason": "wrong_type"}),
        ({"name": "Ada", "currency": "EUR"}, {"/currency": "unknown_field"}),
        ({"id": "cli_"}, {"/id": "unknown_field"}),
    ],
    ids=str,
)
def test_a_bad_change_gets_its_codes_and_changes_nothing(
    caller: Caller, fields: dict[str, object], expected: dict[str, str]
) -> None:
    made = caller.new_client()

    assert caller.change_client(made["id"], **fields).field_codes == expected  # type: ignore[arg-type]

    assert (client(caller, made["id"]), changes(caller, made["id"])) == (made, [])


def test_a_client_that_does_not_exist_is_not_changed_and_has_no_history(caller: Caller) -> None:
    absent = ids.text(Prefix.CLIENT, ids.mint())

    assert caller.change_client(absent, name="Ada").code == "not_found"
    assert caller.get(f"/v1/clients/{absent}/changes").code == "not_found"
