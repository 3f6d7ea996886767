"""Holds over HTTP: money is reserved for a payee, captured in parts or whole, released, or free again when the hold ends."""

from datetime import datetime
from typing import Any

import psycopg
import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Answer, Caller, new_key
from tests.databases import Databases
from tests.http.conftest import AsClient, Count
from tests.system import System
from tests.waiting import wait_for

PREFER = {"Prefer": "wait=20"}


def money(caller: Caller, wallet: str) -> tuple[int, int, int]:
    """Balance, held and available of a wallet."""
    shown = caller.get(f"/v1/wallets/{wallet}").body
    return shown["balance"], shown["held"], shown["available"]


def hold_of(caller: Caller, id: str) -> dict[str, Any]:
    """The state of a hold without its end."""
    shown = caller.get(f"/v1/transfers/{id}").body["hold"]
    return {name: value for name, value in shown.items() if name != "expires_at"}


def state(status: str, remaining: int, captured: int, released: int) -> dict[str, Any]:
    return {"status": status, "remaining_amount": remaining, "captured_amount": captured, "released_amount": released}


def outcome(caller: Caller, answer: Answer) -> tuple[str, str | None]:
    assert answer.status in {200, 202}, answer
    final = caller.wait_final(answer.body["id"])
    return final["status"], final["failure"] and final["failure"]["code"]


def test_an_applied_hold_reserves_money_and_moves_none(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()

    accepted = caller.hold(payer, payee, 70, reference="ride 7")
    final = caller.wait_final(accepted.body["id"])

    assert (accepted.status, accepted.headers["location"]) == (202, f"/v1/transfers/{final['id']}")
    assert (accepted.body["type"], accepted.body["status"], accepted.body["hold"]) == ("hold", "queued", None)
    assert final == {
        **accepted.body,
        "status": "applied",
        "finished_at": final["finished_at"],
        "hold": {**state("open", 70, 0, 0), "expires_at": final["hold"]["expires_at"]},
    }
    assert final["entries"] == []
    assert money(caller, payer) == (100, 70, 30)
    assert caller.get(f"/v1/wallets/{payer}").body["version"] == 1
    assert money(caller, payee) == (0, 0, 0)
    assert caller.get(f"/v1/wallets/{payer}/holds").body["data"] == [final]
    assert caller.get(f"/v1/wallets/{payee}/holds").body["data"] == []


def test_a_hold_ends_a_week_after_its_acceptance_unless_told_otherwise(caller: Caller) -> None:
    payer, payee = caller.new_wallet(10), caller.new_wallet()

    week, minute = caller.applied(caller.hold(payer, payee, 1)), caller.applied(caller.hold(payer, payee, 1, expires_in_s=60))

    assert seconds_of(week) == 604_800
    assert seconds_of(minute) == 60


def seconds_of(hold: Any) -> float:
    return (datetime.fromisoformat(hold["hold"]["expires_at"]) - datetime.fromisoformat(hold["created_at"])).total_seconds()


def test_money_that_is_held_can_be_neither_moved_nor_held_again(caller: Caller) -> None:
    payer, payee = caller.new_wallet(5000), caller.new_wallet()

    holds = [caller.hold(payer, payee, 1000) for _ in range(6)]
    moved, withdrawn = caller.transfer(payer, payee, 1), caller.withdraw(payer, 1)

    assert [outcome(caller, hold)[0] for hold in holds] == ["applied"] * 5 + ["rejected"]
    assert outcome(caller, holds[5]) == outcome(caller, moved) == outcome(caller, withdrawn) == ("rejected", "insufficient_funds")
    assert caller.get(f"/v1/transfers/{holds[5].body['id']}").body["hold"] is None
    assert money(caller, payer) == (5000, 5000, 0)


def test_a_hold_is_captured_in_parts_and_a_final_capture_releases_the_rest(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]

    first = caller.applied(caller.capture(hold, amount=20, reference="half"))
    assert (first["type"], first["parent_id"], first["amount"], first["reference"]) == ("capture", hold, 20, "half")
    assert (first["source_wallet_id"], first["destination_wallet_id"]) == (payer, payee)
    assert [(entry["wallet_id"], entry["amount"], entry["balance_after"]) for entry in first["entries"]] == [
        (payer, -20, 80),
        (payee, 20, 20),
    ]
    assert hold_of(caller, hold) == state("open", 50, 20, 0)
    assert money(caller, payer) == (80, 50, 30)

    last = caller.applied(caller.capture(hold, amount=10, final=True))
    assert hold_of(caller, hold) == state("closed", 0, 30, 40)
    assert money(caller, payer) == (70, 0, 70)
    assert money(caller, payee) == (30, 0, 30)
    assert caller.get(f"/v1/transfers?parent_id={hold}").body["data"] == [last, first]
    assert caller.get(f"/v1/wallets/{payer}/holds").body["data"] == []


def test_a_capture_without_an_amount_takes_all_that_is_left(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]
    caller.applied(caller.capture(hold, amount=25))

    queued = caller.capture(hold)
    final = caller.applied(queued)

    assert queued.body["amount"] == 70  # the most that it may come to
    assert final["amount"] == 45
    assert hold_of(caller, hold) == state("closed", 0, 70, 0)


def test_of_two_captures_of_all_at_once_one_is_applied(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]

    both = [caller.capture(hold) for _ in range(2)]

    assert [outcome(caller, answer) for answer in both] == [("applied", None), ("rejected", "hold_closed")]
    assert caller.balance(payee) == 70


def test_a_capture_of_more_than_is_left_is_rejected_and_leaves_the_hold_open(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]

    assert outcome(caller, caller.capture(hold, amount=71)) == ("rejected", "hold_exceeded")
    assert outcome(caller, caller.release(hold, amount=71)) == ("rejected", "hold_exceeded")
    assert hold_of(caller, hold) == state("open", 70, 0, 0)


def test_a_capture_may_follow_the_holds_202_at_once(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()

    good = caller.capture(caller.hold(payer, payee, 70).body["id"])
    bad = caller.capture(caller.hold(payer, payee, 70).body["id"])

    assert outcome(caller, good) == ("applied", None)
    assert outcome(caller, bad) == ("rejected", "hold_closed")
    assert money(caller, payer) == (30, 0, 30)


def test_a_hold_is_released_in_parts(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]

    part = caller.applied(caller.release(hold, amount=30))
    assert (part["type"], part["parent_id"], part["amount"], part["entries"]) == ("release", hold, 30, [])
    assert part["reason"] == "requested"
    assert money(caller, payer) == (100, 40, 60)

    rest = caller.applied(caller.release(hold))
    assert rest["amount"] == 40
    assert hold_of(caller, hold) == state("closed", 0, 0, 70)
    assert caller.get(f"/v1/transfers?parent_id={hold}&type=release").body["data"] == [rest, part]
    assert caller.get(f"/v1/transfers?parent_id={hold}&type=capture").body["data"] == []
    assert money(caller, payer) == (100, 0, 100)


def test_what_is_left_of_a_hold_is_released_when_it_ends(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70, expires_in_s=1))["id"]
    caller.wait_final(caller.capture(hold, amount=20).body["id"])

    [release] = wait_for(
        lambda: caller.get(f"/v1/transfers?parent_id={hold}&type=release&status=applied").body["data"], "the hold to end"
    )

    assert (release["amount"], release["reason"], release["parent_id"]) == (50, "expired", hold)
    assert (release["idempotency_key"], release["submitted_by"]) == (None, None)
    assert hold_of(caller, hold) == state("closed", 0, 20, 50)
    assert money(caller, payer) == (80, 0, 80)
    assert outcome(caller, caller.capture(hold, amount=1)) == ("rejected", "hold_closed")
    event = caller.get(f"/v1/events/evt_{release['id'].removeprefix('trf_')}").body
    assert (event["type"], event["data"]["reason"]) == ("transfer.applied", "expired")


def test_a_hold_without_a_destination_is_paid_out_by_its_capture(caller: Caller) -> None:
    payer = caller.new_wallet(100)

    hold = caller.applied(caller.hold(payer, None, 70))
    paid = caller.applied(caller.capture(hold["id"], amount=60))

    assert (hold["source_wallet_id"], hold["destination_wallet_id"]) == (payer, None)
    assert (paid["source_wallet_id"], paid["destination_wallet_id"]) == (payer, None)
    assert money(caller, payer) == (40, 10, 30)
    [entry] = caller.get(f"/v1/wallets/{payer}/entries?limit=1").body["data"]
    assert (entry["type"], entry["amount"], entry["counterparty_wallet_id"]) == ("capture", -60, None)


@pytest.mark.parametrize("verb", ["hold", "capture", "release"])
def test_a_request_that_waits_is_answered_with_the_outcome(caller: Caller, verb: str) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]
    paths = {"hold": "/v1/holds", **{name: f"/v1/transfers/{hold}/{name}" for name in ("capture", "release")}}
    body = {"source_wallet_id": payer, "destination_wallet_id": payee, "amount": 10} if verb == "hold" else {"amount": 10}

    answer = caller.post(paths[verb], body, key=new_key(), headers=PREFER)

    assert (answer.status, answer.body["status"], answer.body["type"]) == (200, "applied", verb)
    assert answer.headers["preference-applied"] == "wait=20"


def test_a_capture_is_repeated_by_its_key_also_when_the_hold_is_closed(caller: Caller, count_stored: Count) -> None:
    payer, payee, key = caller.new_wallet(100), caller.new_wallet(), new_key()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]
    captured = caller.applied(caller.capture(hold, key, final=True))
    before = count_stored()

    again = caller.capture(hold, key, final=True)

    assert (again.status, again.headers["idempotent-replayed"], again.body) == (200, "true", captured)
    for other in (
        caller.capture(hold, key),
        caller.capture(hold, key, final=True, amount=70),
        caller.release(hold, key),
        caller.capture(caller.applied(caller.hold(payer, payee, 1))["id"], key, final=True),
    ):
        assert other.code == "idempotency_key_reused"
    assert count_stored()["transfers"] == before["transfers"] + 1  # the last hold


def test_a_default_that_is_spelled_out_is_the_same_request(idle_caller: Caller) -> None:
    payer, payee, key, capture_key = idle_caller.new_wallet(), idle_caller.new_wallet(), new_key(), new_key()
    hold = idle_caller.hold(payer, payee, 5, key).body
    capture = idle_caller.capture(hold["id"], capture_key).body

    assert idle_caller.hold(payer, payee, 5, key, expires_in_s=604_800, scheduled_for=None, apply_within_s=None).body == hold
    assert idle_caller.hold(payer, payee, 5, key, expires_in_s=604_799).code == "idempotency_key_reused"
    assert idle_caller.capture(hold["id"], capture_key, final=False, metadata={}).body == capture


def test_only_holds_are_captured_and_released(caller: Caller, count_stored: Count) -> None:
    wallet, other, key = caller.new_wallet(100), caller.new_wallet(), new_key()
    moved = caller.applied(caller.transfer(wallet, other, 5))["id"]
    before = count_stored()

    for answer in (caller.capture(moved, key), caller.release(moved, key, amount=1)):
        assert (answer.status, answer.code) == (409, "not_a_hold")
    assert count_stored() == before
    assert caller.deposit(wallet, 1, key).status == 202


def test_the_door_checks_the_parent_then_the_rights_then_the_form_then_the_parents_type(
    caller: Caller, as_client: AsClient
) -> None:
    ada, bob = caller.new_client(), caller.new_client()
    adas, bobs = as_client(ada), as_client(bob)
    caller.applied(caller.deposit(ada["wallet"]["id"], 100))
    hold = caller.applied(adas.hold(ada["wallet"]["id"], bob["wallet"]["id"], 10))["id"]
    moved = caller.applied(adas.transfer(ada["wallet"]["id"], bob["wallet"]["id"], 10))["id"]
    absent = ids.text(Prefix.TRANSFER, ids.mint())

    def codes(answer: Answer) -> tuple[int, str]:
        return answer.status, answer.code

    assert codes(adas.capture(absent, amount=0)) == (404, "not_found")
    assert codes(adas.capture("trf_x", amount=0)) == (404, "not_found")
    assert codes(adas.capture(hold, amount=0)) == (403, "forbidden")
    assert codes(bobs.request("POST", f"/v1/transfers/{hold}/capture", {"amount": 0})) == (400, "idempotency_key_missing")
    assert codes(bobs.capture(hold, amount=0)) == (422, "validation_failed")
    assert codes(bobs.capture(moved, amount=0)) == (422, "validation_failed")
    assert codes(bobs.capture(moved, amount=1)) == (409, "not_a_hold")


def test_a_hold_is_a_promise_to_its_payee(caller: Caller, as_client: AsClient) -> None:
    ada, bob, eve = (caller.new_client() for _ in range(3))
    adas, bobs, eves = as_client(ada), as_client(bob), as_client(eve)
    payer, payee = ada["wallet"]["id"], bob["wallet"]["id"]
    caller.applied(caller.deposit(payer, 100))

    hold = caller.applied(adas.hold(payer, payee, 50))["id"]

    for verb in ("capture", "release"):
        assert getattr(adas, verb)(hold).code == "forbidden", verb  # the payer waits for the hold's end
        assert getattr(eves, verb)(hold).code == "not_found", verb
    assert bobs.get(f"/v1/transfers/{hold}").body["hold"]["remaining_amount"] == 50
    assert [row["id"] for row in adas.get(f"/v1/wallets/{payer}/holds").body["data"]] == [hold]
    captured = caller.applied(bobs.capture(hold, amount=30))
    assert caller.applied(bobs.release(hold))["amount"] == 20
    assert [row["type"] for row in adas.get(f"/v1/transfers?parent_id={hold}").body["data"]] == ["release", "capture"]
    assert eves.get(f"/v1/transfers?parent_id={hold}").body["data"] == []
    assert [entry["wallet_id"] for entry in bobs.get(f"/v1/transfers/{captured['id']}").body["entries"]] == [payee]


def test_a_client_holds_money_of_its_own_for_a_payee_that_it_names(
    caller: Caller, as_client: AsClient, count_stored: Count
) -> None:
    ada, bob = caller.new_client(), caller.new_client()
    adas, other = as_client(ada), caller.new_wallet()
    before = count_stored()

    for source in (bob["wallet"]["id"], ids.text(Prefix.WALLET, ids.mint())):
        assert adas.hold(source, other, 1).field_codes == {"/source_wallet_id": "wallet_not_found"}
    assert adas.hold(ada["wallet"]["id"], None, 1).field_codes == {"/destination_wallet_id": "required"}
    assert adas.withdraw(ada["wallet"]["id"], 1).code == "forbidden"
    assert count_stored() == before


def test_money_outside_is_not_held(caller: Caller) -> None:
    outside = ids.text(Prefix.WALLET, ids.external_wallet(3))

    for payee in (caller.new_wallet(), None):
        assert caller.hold(outside, payee, 1).field_codes == {"/source_wallet_id": "wallet_not_found"}


def test_open_holds_are_listed_page_by_page(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    made = [caller.applied(caller.hold(payer, payee, amount))["id"] for amount in (1, 2, 3, 4)]
    caller.applied(caller.release(made[2]))

    first = caller.get(f"/v1/wallets/{payer}/holds?limit=2").body
    second = caller.get(f"/v1/wallets/{payer}/holds?limit=2&cursor={first['next_cursor']}").body

    assert [row["id"] for row in (*first["data"], *second["data"])] == [made[3], made[1], made[0]]
    assert second["has_more"] is False
    assert sum(row["hold"]["remaining_amount"] for row in (*first["data"], *second["data"])) == money(caller, payer)[1]
    assert caller.get(f"/v1/wallets/{payee}/holds?cursor={first['next_cursor']}").code == "invalid_cursor"


def test_the_release_of_a_hold_that_has_ended_cannot_be_canceled(
    databases: Databases, idle_system: System, idle_caller: Caller
) -> None:
    """No second one is ever made, so the money would stay held for ever."""
    payer, payee = idle_caller.new_wallet(), idle_caller.new_wallet()
    hold = idle_caller.hold(payer, payee, 5).body["id"]
    asked, expired = (idle_caller.release(hold).body["id"] for _ in range(2))
    with psycopg.connect(databases.owner_url(idle_system.database_url)) as connection:  # as the sweeper would make it
        connection.execute(
            "UPDATE transfers SET idempotency_key = 'expiry ' || %s WHERE id = %s", [hold, ids.parse(Prefix.TRANSFER, expired)]
        )

    refused = idle_caller.cancel(expired)

    assert (refused.status, refused.code) == (409, "not_cancelable")
    assert (refused.body["transfer"]["status"], refused.body["transfer"]["reason"]) == ("queued", "expired")
    assert idle_caller.cancel(asked).body["status"] == "canceled"
