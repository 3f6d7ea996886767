"""Clients: each is made with its first wallet, and found by its id or its owner's external_id."""

import re
from urllib.parse import quote

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Caller, new_key
from tests.http.conftest import Count

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
CLIENT_ID = re.compile(r"cli_[0-7][0-9a-hjkmnp-tv-z]{25}")
WALLET_ID = re.compile(r"wal_[0-7][0-9a-hjkmnp-tv-z]{25}")


def test_a_new_client_has_exactly_the_fields_of_the_contract(caller: Caller) -> None:
    external_id = new_key()

    answer = caller.post("/v1/clients", {"name": "Ada Ünïcode 😀", "external_id": external_id, "metadata": {"__proto__": "x"}})

    assert answer.status == 201
    client = answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"] == f"/v1/clients/{client['id']}"
    assert CLIENT_ID.fullmatch(client["id"])
    assert WALLET_ID.fullmatch(client["wallet"]["id"])
    assert TIME.fullmatch(client["created_at"])
    wallet = {
        "id": client["wallet"]["id"],
        "client_id": client["id"],
        "currency": "USD",
        "minor_unit": 2,
        "balance": 0,
        "held": 0,
        "available": 0,
        "version": 0,
        "status": "active",
        "frozen": None,
        "limits": dict.fromkeys(("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max")),
        "usage": None,
        "created_at": client["created_at"],
    }
    assert client == {
        "id": client["id"],
        "name": "Ada Ünïcode 😀",
        "external_id": external_id,
        "metadata": {"__proto__": "x"},
        "created_at": client["created_at"],
        "wallet": wallet,
        "wallets": [wallet],
    }


def test_a_client_needs_a_name_alone(caller: Caller) -> None:
    client = caller.new_client("Ada")

    assert (client["external_id"], client["metadata"]) == (None, {})


def test_a_client_is_found_by_its_id_as_it_was_made(caller: Caller) -> None:
    client = caller.new_client("Ada", external_id=new_key(), metadata={"a": "b"})

    answer = caller.get(f"/v1/clients/{client['id']}")

    assert (answer.status, answer.body) == (200, client)


def test_a_clients_wallet_is_shown_with_its_balance(caller: Caller) -> None:
    client = caller.new_client()
    caller.wait_final(caller.deposit(client["wallet"]["id"], 5).body["id"])

    wallet = caller.get(f"/v1/clients/{client['id']}").body["wallet"]

    assert (wallet["balance"], wallet["version"]) == (5, 1)
    assert wallet == caller.get(f"/v1/wallets/{wallet['id']}").body


def test_an_external_id_is_taken_once(caller: Caller, count_stored: Count) -> None:
    external_id = new_key()
    caller.new_client(external_id=external_id)
    before = count_stored()

    answer = caller.post("/v1/clients", {"name": "Bob", "external_id": external_id})

    assert (answer.status, answer.code) == (409, "external_id_taken")
    assert external_id not in str(answer.body)
    assert count_stored() == before


def test_external_ids_that_differ_in_case_or_white_space_are_different(caller: Caller) -> None:
    external_id = "u-" + new_key()

    made = [caller.new_client(external_id=text)["external_id"] for text in (external_id, external_id.upper(), external_id + " ")]

    assert made == [external_id, external_id.upper(), external_id + " "]


@pytest.mark.parametrize(
    "external_id", ["plain", "with space & ampersand=1", "ümläut-😀", "100%", "a/b?c#d", "'; DROP TABLE clients; --"]
)
def test_a_client_is_found_by_its_external_id(caller: Caller, external_id: str) -> None:
    unique = external_id + new_key()
    client = caller.new_client(external_id=unique)

    answer = caller.get(f"/v1/clients?external_id={quote(unique, safe='')}")

    assert answer.status == 200
    assert answer.body == {"data": [client], "has_more": False, "next_cursor": None}


def test_an_external_id_that_no_client_has_gives_an_empty_list(caller: Caller) -> None:
    answer = caller.get(f"/v1/clients?external_id={new_key()}")

    assert (answer.status, answer.body) == (200, {"data": [], "has_more": False, "next_cursor": None})


def test_what_is_no_clients_id_is_not_found(caller: Caller) -> None:
    client = caller.new_client()
    unknown = ids.text(Prefix.CLIENT, ids.mint())
    others = [unknown, client["wallet"]["id"], client["id"].upper(), f"{{{client['id']}}}", client["id"][:-1], client["id"] + "0"]

    for id in [*others, "cli_00000000000000000000000000", "%20" + client["id"], client["id"] + "%00", client["id"] + "%0a"]:
        answer = caller.get(f"/v1/clients/{id}")
        assert (answer.status, answer.code) == (404, "not_found"), id
