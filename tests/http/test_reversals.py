"""Reversals over HTTP: an applied transfer is given back, whole or in parts, and never more than it moved."""

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Answer, Caller, new_key
from tests.http.conftest import AsClient, Count
from tests.http.test_holds import hold_of, money, outcome, state


def reversed_amount(caller: Caller, id: str) -> int:
    return int(caller.get(f"/v1/transfers/{id}").body["reversed_amount"])


def test_a_transfer_is_reversed_whole(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    moved = caller.applied(caller.transfer(payer, payee, 60))["id"]

    reversal = caller.applied(caller.reverse(moved, reference="refund"))

    assert (reversal["type"], reversal["parent_id"], reversal["amount"], reversal["reference"]) == ("reversal", moved, 60, "refund")
    assert (reversal["source_wallet_id"], reversal["destination_wallet_id"]) == (payee, payer)
    assert [(entry["wallet_id"], entry["amount"]) for entry in reversal["entries"]] == [(payee, -60), (payer, 60)]
    assert reversed_amount(caller, moved) == 60
    assert caller.get(f"/v1/transfers?parent_id={moved}").body["data"] == [reversal]
    assert (caller.balance(payer), caller.balance(payee)) == (100, 0)


def test_parts_are_reversed_until_nothing_is_left(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet(100)
    moved = caller.applied(caller.transfer(payer, payee, 60))["id"]

    assert caller.applied(caller.reverse(moved, amount=25))["amount"] == 25
    assert outcome(caller, caller.reverse(moved, amount=36)) == ("rejected", "reversal_exceeded")
    assert caller.applied(caller.reverse(moved))["amount"] == 35
    for answer in (caller.reverse(moved), caller.reverse(moved, amount=1), caller.reverse(moved, up_to=True)):
        assert outcome(caller, answer) == ("rejected", "reversal_exceeded")
    assert reversed_amount(caller, moved) == 60
    assert (caller.balance(payer), caller.balance(payee)) == (100, 100)


def test_of_two_reversals_that_are_together_too_much_one_is_applied(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet(100)
    moved = caller.applied(caller.transfer(payer, payee, 100))["id"]

    both = [caller.reverse(moved, amount=60) for _ in range(2)]

    assert [outcome(caller, answer) for answer in both] == [("applied", None), ("rejected", "reversal_exceeded")]
    assert caller.balance(payee) == 140


def test_money_that_was_spent_is_not_given_back_but_for_what_is_there(caller: Caller) -> None:
    payer, payee, third = caller.new_wallet(100), caller.new_wallet(), caller.new_wallet()
    moved = caller.applied(caller.transfer(payer, payee, 100))["id"]
    caller.applied(caller.transfer(payee, third, 70))

    assert outcome(caller, caller.reverse(moved)) == ("rejected", "insufficient_funds")
    queued = caller.reverse(moved, up_to=True)
    final = caller.applied(queued)
    assert (queued.body["amount"], final["amount"]) == (100, 30)
    assert outcome(caller, caller.reverse(moved, up_to=True, amount=5)) == ("rejected", "insufficient_funds")
    assert reversed_amount(caller, moved) == 30
    assert (caller.balance(payer), caller.balance(payee)) == (30, 0)


def test_a_deposit_and_a_withdrawal_are_reversed_to_and_from_outside(caller: Caller) -> None:
    wallet = caller.new_wallet(50)
    deposit, withdrawal = caller.applied(caller.deposit(wallet, 30))["id"], caller.applied(caller.withdraw(wallet, 70))["id"]

    returned = caller.applied(caller.reverse(withdrawal, amount=20))
    charged_back = caller.applied(caller.reverse(deposit))

    assert (returned["source_wallet_id"], returned["destination_wallet_id"]) == (None, wallet)
    assert (charged_back["source_wallet_id"], charged_back["destination_wallet_id"]) == (wallet, None)
    assert caller.balance(wallet) == 50 + 30 - 70 + 20 - 30
    entries = caller.get(f"/v1/wallets/{wallet}/entries?limit=2").body["data"]
    assert [(entry["type"], entry["counterparty_wallet_id"]) for entry in entries] == [("reversal", None), ("reversal", None)]


def test_a_reversed_capture_is_available_again_and_not_held_again(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 70))["id"]
    captured = caller.applied(caller.capture(hold, amount=50))["id"]

    caller.applied(caller.reverse(captured, amount=20))

    assert hold_of(caller, hold) == state("open", 20, 50, 0)
    assert reversed_amount(caller, captured) == 20
    assert money(caller, payer) == (70, 20, 50)


def test_what_moved_no_money_and_what_gave_it_back_is_not_reversed(caller: Caller, count_stored: Count) -> None:
    payer, payee, key = caller.new_wallet(100), caller.new_wallet(), new_key()
    hold = caller.applied(caller.hold(payer, payee, 10))["id"]
    release = caller.applied(caller.release(hold, amount=1))["id"]
    reversal = caller.applied(caller.reverse(caller.applied(caller.transfer(payer, payee, 5))["id"]))["id"]
    rejected = caller.wait_final(caller.transfer(payer, payee, 1000).body["id"])["id"]
    before = count_stored()

    for parent in (hold, release, reversal, rejected):
        answer = caller.reverse(parent, key)
        assert (answer.status, answer.code) == (409, "not_reversible")
    assert count_stored() == before
    assert caller.deposit(payer, 1, key).status == 202


def test_a_transfer_is_reversed_once_it_is_applied(idle_caller: Caller) -> None:
    queued = idle_caller.deposit(idle_caller.new_wallet(), 5).body["id"]

    assert idle_caller.reverse(queued).code == "not_reversible"


def test_a_client_gives_back_what_another_client_has_paid_it(caller: Caller, as_client: AsClient) -> None:
    ada, bob, eve = (caller.new_client() for _ in range(3))
    adas, bobs, eves = as_client(ada), as_client(bob), as_client(eve)
    payer, payee = ada["wallet"]["id"], bob["wallet"]["id"]
    deposit = caller.applied(caller.deposit(payer, 100))["id"]
    moved = caller.applied(adas.transfer(payer, payee, 50))["id"]
    captured = caller.applied(bobs.capture(caller.applied(adas.hold(payer, payee, 20))["id"]))["id"]

    def code(answer: Answer) -> str:
        return answer.code

    assert code(adas.reverse(moved)) == "forbidden"
    assert code(eves.reverse(moved)) == code(eves.reverse(ids.text(Prefix.TRANSFER, ids.mint()))) == "not_found"
    assert code(adas.reverse(deposit)) == "forbidden"
    reversal = caller.applied(bobs.reverse(moved, amount=30))
    caller.applied(bobs.reverse(captured))
    assert code(adas.reverse(reversal["id"])) == "not_reversible"
    assert (caller.balance(payer), caller.balance(payee)) == (80, 20)


@pytest.mark.parametrize("changed", [{"amount": 60}, {"up_to": True}, {"reference": "x"}, {"apply_within_s": 60}])
def test_a_reversal_is_repeated_by_its_key_and_its_fields(caller: Caller, changed: dict[str, object]) -> None:
    payer, payee, key = caller.new_wallet(100), caller.new_wallet(), new_key()
    moved = caller.applied(caller.transfer(payer, payee, 60))["id"]
    reversal = caller.applied(caller.reverse(moved, key))

    again = caller.reverse(moved, key, up_to=False)

    assert (again.status, again.headers["idempotent-replayed"], again.body) == (200, "true", reversal)
    assert caller.reverse(moved, key, **changed).code == "idempotency_key_reused"
    assert caller.balance(payer) == 100
