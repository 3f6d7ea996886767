"""Freezes, limits, their history, and closures over HTTP."""

from contextlib import closing
from typing import Any

import psycopg
import pytest

from core import ids, keys
from core.ids import Prefix
from tests.caller import Answer, Caller, new_key
from tests.http.conftest import AsClient

NO_LIMITS = dict.fromkeys(("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max"))
EXTERNAL = ids.text(Prefix.WALLET, ids.external_wallet(0))


def wallet(caller: Caller, id: str) -> Any:
    return caller.get(f"/v1/wallets/{id}").body


def outcome(caller: Caller, answer: Answer) -> tuple[str, str | None]:
    final = caller.wait_final(answer.body["id"])
    return final["status"], (final["failure"] or {}).get("code")


def pointers(answer: Answer) -> dict[str, str]:
    assert answer.code == "validation_failed", answer
    return {error["pointer"]: error["code"] for error in answer.body["errors"]}


def test_a_freeze_is_shown_stops_what_was_queued_before_and_ends(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    assert (wallet(caller, payer)["status"], wallet(caller, payer)["frozen"]) == ("active", None)

    frozen = caller.change_wallet(payer, frozen="debits")

    assert frozen.status == 200
    assert frozen.body == {**wallet(caller, payer), "status": "frozen", "frozen": "debits", "limits": NO_LIMITS, "usage": None}
    assert outcome(caller, caller.transfer(payer, payee, 1)) == ("rejected", "wallet_frozen")
    caller.applied(caller.transfer(caller.new_wallet(5), payer, 5))
    assert caller.change_wallet(payer, frozen=None).body["status"] == "active"
    caller.applied(caller.transfer(payer, payee, 1))


def test_limits_are_merged_and_what_counts_is_shown(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    caller.change_wallet(payer, limits={"debit_max": 50, "debits_per_day_max": 60})
    changed = caller.change_wallet(payer, limits={"debit_max": None, "debits_per_month_max": 70}).body
    assert changed["limits"] == {**NO_LIMITS, "debits_per_day_max": 60, "debits_per_month_max": 70}
    assert (changed["status"], changed["usage"]) == ("active", {"debits_today": 0, "debits_this_month": 0})

    hold = caller.applied(caller.hold(payer, payee, 55))["id"]

    assert outcome(caller, caller.transfer(payer, payee, 6)) == ("rejected", "daily_limit_exceeded")
    caller.applied(caller.release(hold, amount=10))
    assert wallet(caller, payer)["usage"] == {"debits_today": 45, "debits_this_month": 45}
    caller.applied(caller.transfer(payer, payee, 15))
    client = caller.get(f"/v1/clients/{wallet(caller, payer)['client_id']}").body
    assert client["wallet"] == wallet(caller, payer)
    assert client["wallet"]["usage"]["debits_today"] == 60


def test_the_history_says_what_changed_and_which_key_asked(caller: Caller, shared_database: psycopg.Connection) -> None:
    id, heir = caller.new_wallet(10), caller.new_wallet()
    key, kept = keys.new_key()
    shared_database.execute("INSERT INTO keys (id, role, digest) VALUES (%s, 'operator', %s)", [kept.id, kept.digest])
    with closing(Caller(caller.url, key)) as another:
        another.change_wallet(id, "fraud alarm 7", frozen="all")
    caller.change_wallet(id, "once more", frozen="all")
    caller.change_wallet(id, "cleared", frozen=None, limits={"balance_max": 500})
    closure = caller.applied(caller.close_wallet(id, sweep_to_wallet_id=heir))

    first = caller.get(f"/v1/wallets/{id}/changes?limit=2").body
    rest = caller.get(f"/v1/wallets/{id}/changes?limit=2&cursor={first['next_cursor']}").body

    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    rows = [*first["data"], *rest["data"]]
    assert [row["reason"] for row in rows] == [f"closure {closure['id']}", "cleared", "fraud alarm 7"]
    assert [row["key_id"] for row in rows] == [None, None, ids.text(Prefix.KEY, kept.id)]
    assert [(row["before"]["frozen"], row["after"]["frozen"]) for row in rows] == [(None, None), ("all", None), (None, "all")]
    assert rows[0]["before"] == {"status": "active", "frozen": None, "limits": {**NO_LIMITS, "balance_max": 500}}
    assert rows[0]["after"] == {**rows[0]["before"], "status": "closed"}
    assert rows[1]["before"]["limits"] == NO_LIMITS
    assert caller.get(f"/v1/wallets/{heir}/changes").body["data"] == []
    assert caller.get(f"/v1/wallets/{heir}/changes?cursor={first['next_cursor']}").code == "invalid_cursor"


def test_a_closure_is_a_transfer_and_its_wallet_is_closed_for_ever(caller: Caller) -> None:
    id, heir = caller.new_wallet(30), caller.new_wallet()
    key = new_key()
    answer = caller.close_wallet(id, key, sweep_to_wallet_id=heir, reference="end")
    assert (answer.status, answer.body["type"], answer.body["amount"]) == (202, "closure", 0)

    closure = caller.applied(answer)

    assert (closure["amount"], closure["destination_wallet_id"], closure["reference"]) == (30, heir, "end")
    assert [(entry["wallet_id"], entry["amount"]) for entry in closure["entries"]] == [(id, -30), (heir, 30)]
    assert wallet(caller, id)["status"] == "closed"
    assert wallet(caller, heir)["balance"] == 30
    assert outcome(caller, caller.deposit(id, 1)) == ("rejected", "wallet_closed")
    assert outcome(caller, caller.close_wallet(id)) == ("rejected", "wallet_closed")
    assert caller.change_wallet(id, frozen="all").code == "wallet_closed"
    assert caller.reverse(closure["id"]).code == "not_reversible"
    replayed = caller.close_wallet(id, key, sweep_to_wallet_id=heir, reference="end")
    assert (replayed.status, replayed.headers["idempotent-replayed"], replayed.body["id"]) == (200, "true", closure["id"])
    assert caller.close_wallet(id, key, sweep_outside=True).code == "idempotency_key_reused"
    assert caller.get(f"/v1/transfers?wallet_id={id}&type=closure").body["data"][-1]["id"] == closure["id"]


def test_a_sweep_to_outside_shows_no_heir(caller: Caller) -> None:
    id = caller.new_wallet(30)

    closure = caller.applied(caller.close_wallet(id, sweep_outside=True))

    assert (closure["amount"], closure["destination_wallet_id"]) == (30, None)


def test_what_is_held_or_left_keeps_a_wallet_open(caller: Caller) -> None:
    id, payee = caller.new_wallet(30), caller.new_wallet()
    assert outcome(caller, caller.close_wallet(id)) == ("rejected", "wallet_not_empty")
    assert outcome(caller, caller.close_wallet(id, sweep_outside=False)) == ("rejected", "wallet_not_empty")
    hold = caller.applied(caller.hold(id, payee, 1))["id"]
    assert outcome(caller, caller.close_wallet(id, sweep_to_wallet_id=payee)) == ("rejected", "wallet_has_holds")

    caller.applied(caller.release(hold))
    caller.applied(caller.close_wallet(id, sweep_to_wallet_id=payee, apply_within_s=60))


def test_a_closure_may_be_canceled(caller: Caller) -> None:
    id, payee = caller.new_wallet(), caller.new_wallet()
    closure = caller.close_wallet(id)

    canceled = caller.cancel(closure.body["id"])

    assert (canceled.status == 200) == (wallet(caller, id)["status"] == "active")
    if canceled.status == 200:
        assert (canceled.body["status"], canceled.body["amount"]) == ("canceled", 0)
        assert caller.get(f"/v1/wallets/{payee}/changes").body["data"] == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"/frozen": "required"}),
        ({"limits": {}}, {"/frozen": "required"}),
        ({"frozen": "all", "reason": ""}, {"/reason": "required"}),
        ({"frozen": "all", "reason": "r" * 201}, {"/reason": "too_long"}),
        ({"frozen": "all", "reason": "a\u0000"}, {"/reason": "invalid_string"}),
        ({"frozen": "all", "reason": None}, {"/reason": "wrong_type"}),
        ({"frozen": "both"}, {"/frozen": "wrong_type"}),
        ({"frozen": True}, {"/frozen": "wrong_type"}),
        ({"status": "closed"}, {"/status": "unknown_field"}),
        ({"limits": None}, {"/limits": "wrong_type"}),
        ({"limits": []}, {"/limits": "wrong_type"}),
        ({"limits": {"per_hour": 5}}, {"/limits/per_hour": "unknown_field"}),
        ({"limits": {"debit_max": 0}}, {"/limits/debit_max": "amount_not_positive"}),
        ({"limits": {"debit_max": 2**53}}, {"/limits/debit_max": "amount_too_large"}),
        ({"limits": {"debit_max": 1.0}}, {"/limits/debit_max": "amount_not_integer"}),
        ({"limits": {"balance_max": "5"}, "frozen": 1}, {"/limits/balance_max": "amount_not_integer", "/frozen": "wrong_type"}),
    ],
    ids=str,
)
def test_a_bad_change_gets_its_codes_and_changes_nothing(
    caller: Caller, fields: dict[str, object], expected: dict[str, str]
) -> None:
    id = caller.new_wallet()
    before = wallet(caller, id)

    assert pointers(caller.change_wallet(id, **fields)) == expected  # type: ignore[arg-type]

    assert wallet(caller, id) == before
    assert caller.get(f"/v1/wallets/{id}/changes").body["data"] == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sweep_to_wallet_id": "SELF"}, {"/sweep_to_wallet_id": "same_wallet"}),
        ({"sweep_to_wallet_id": EXTERNAL}, {"/sweep_to_wallet_id": "wallet_not_found"}),
        ({"sweep_to_wallet_id": "UNKNOWN"}, {"/sweep_to_wallet_id": "wallet_not_found"}),
        ({"sweep_to_wallet_id": None}, {"/sweep_to_wallet_id": "wrong_type"}),
        ({"sweep_to_wallet_id": "OTHER", "sweep_outside": True}, {"/sweep_outside": "unknown_field"}),
        ({"sweep_outside": 1}, {"/sweep_outside": "wrong_type"}),
        ({"amount": 5}, {"/amount": "unknown_field"}),
        ({"scheduled_for": "2026-01-31T09:30:00Z"}, {"/scheduled_for": "unknown_field"}),
        ({"currency": "EUR"}, {"/currency": "currency_mismatch"}),
    ],
    ids=str,
)
def test_a_bad_closure_gets_its_codes_and_stores_nothing(
    caller: Caller, fields: dict[str, object], expected: dict[str, str]
) -> None:
    id, other, unknown = caller.new_wallet(), caller.new_wallet(), ids.text(Prefix.WALLET, ids.mint())
    stand_for = {"SELF": id, "OTHER": other, "UNKNOWN": unknown}
    named: dict[str, Any] = {name: stand_for.get(str(value), value) for name, value in fields.items()}

    assert pointers(caller.close_wallet(id, **named)) == expected

    assert caller.get(f"/v1/transfers?wallet_id={id}").body["data"] == []


def test_an_external_wallet_has_no_rules_and_is_not_closed(caller: Caller) -> None:
    assert caller.get(f"/v1/wallets/{EXTERNAL}").body["frozen"] is None
    assert caller.change_wallet(EXTERNAL, frozen="all").code == "not_found"
    assert caller.close_wallet(EXTERNAL).code == "not_found"
    assert caller.get(f"/v1/wallets/{EXTERNAL}/changes").body["data"] == []


def test_a_client_sees_its_rules_and_changes_none(caller: Caller, as_client: AsClient) -> None:
    client = caller.new_client()
    id, own = client["wallet"]["id"], as_client(client)
    caller.change_wallet(id, frozen="credits", limits={"debit_max": 7})

    assert own.get(f"/v1/wallets/{id}").body == wallet(caller, id)
    assert own.change_wallet(id, frozen=None).code == "forbidden"
    assert own.change_wallet(id, junk=1).code == "forbidden"  # before the body is read
    assert own.close_wallet(id).code == "forbidden"
    assert own.get(f"/v1/wallets/{id}/changes").code == "forbidden"
    other = caller.new_wallet()
    assert {own.change_wallet(other, frozen=None).code, own.close_wallet(other).code} == {"not_found"}
    closure = caller.applied(caller.close_wallet(id))
    assert own.get(f"/v1/transfers/{closure['id']}").body["type"] == "closure"
