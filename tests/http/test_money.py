"""The main job, over HTTP: deposits and transfers from submission to outcome."""

import re
from typing import Any

import psycopg
import pytest

from core import ids
from core.ids import Prefix
from core.ledger.sharding import shard_of
from tests.caller import Caller, new_key
from tests.http.conftest import Count
from tests.system import System
from tests.world import SHARDS

LIMIT = 2**53 - 1

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TRANSFER_ID = re.compile(r"trf_[0-7][0-9a-hjkmnp-tv-z]{25}")

EXTERNAL = ids.text(Prefix.WALLET, ids.external_wallet(0))


def test_a_deposit_is_accepted_and_then_applied(caller: Caller) -> None:
    wallet = caller.new_wallet()

    accepted = caller.deposit(wallet, 5000, reference="first")

    assert accepted.status == 202
    assert accepted.headers["location"] == f"/v1/transfers/{accepted.body['id']}"
    assert int(accepted.headers["retry-after"]) > 0
    assert accepted.body["status"] == "queued"
    final = caller.wait_final(accepted.body["id"])
    assert (final["type"], final["status"], final["source_wallet_id"]) == ("deposit", "applied", None)
    assert [entry["amount"] for entry in final["entries"]] == [-5000, 5000]
    assert final["finished_at"] > final["created_at"]
    assert caller.balance(wallet) == 5000


def test_a_queued_transfer_has_exactly_the_fields_of_the_contract(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet()

    key = new_key()

    answer = caller.transfer(source, destination, 30, key, reference="rent", metadata={"month": "May", "Größe": "ü 😀"})

    assert answer.status == 202
    assert answer.headers["content-type"] == "application/json"
    assert "idempotent-replayed" not in answer.headers
    assert TRANSFER_ID.fullmatch(answer.body["id"])
    assert TIME.fullmatch(answer.body["created_at"])
    assert answer.body == {
        "id": answer.body["id"],
        "type": "transfer",
        "status": "queued",
        "source_wallet_id": source,
        "destination_wallet_id": destination,
        "amount": 30,
        "currency": "USD",
        "reference": "rent",
        "metadata": {"month": "May", "Größe": "ü 😀"},
        "callback_url": None,
        "failure": None,
        "entries": [],
        "created_at": answer.body["created_at"],
        "finished_at": None,
        "parent_id": None,
        "debits": None,
        "credits": None,
        "scheduled_for": None,
        "apply_by": None,
        "reversed_amount": 0,
        "hold": None,
        "reason": None,
        "idempotency_key": key,
        "submitted_by": "configured",
        "shard": answer.body["shard"],
        "queue": None,
    }


def test_an_applied_transfer_carries_both_entries_and_moves_both_balances(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet(7)
    accepted = caller.transfer(source, destination, 30).body

    final = caller.wait_final(accepted["id"])

    assert TIME.fullmatch(final["finished_at"])
    assert final == {
        **accepted,
        "status": "applied",
        "finished_at": final["finished_at"],
        "entries": [
            {"wallet_id": source, "version": 2, "amount": -30, "balance_after": 70},
            {"wallet_id": destination, "version": 2, "amount": 30, "balance_after": 37},
        ],
    }
    for wallet, balance in ((source, 70), (destination, 37)):
        after = caller.get(f"/v1/wallets/{wallet}").body
        assert (after["balance"], after["version"]) == (balance, 2)


def test_a_deposit_without_options_has_their_defaults(caller: Caller) -> None:
    wallet = caller.new_wallet()

    answer = caller.deposit(wallet, 1).body

    assert (answer["currency"], answer["reference"], answer["metadata"]) == ("USD", None, {})
    assert (answer["type"], answer["source_wallet_id"], answer["destination_wallet_id"]) == ("deposit", None, wallet)


def test_what_was_answered_with_202_is_found_at_its_location(idle_caller: Caller) -> None:
    accepted = idle_caller.deposit(idle_caller.new_wallet(), 5, reference="found", metadata={"a": "b"})

    found = idle_caller.get(accepted.headers["location"])

    assert found.status == 200
    assert found.body == {**accepted.body, "queue": found.body["queue"]}


def test_a_transfer_of_more_than_the_source_holds_is_rejected_and_changes_nothing(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet(7)
    before = [caller.get(f"/v1/wallets/{wallet}").body for wallet in (source, destination)]

    accepted = caller.transfer(source, destination, 101)
    final = caller.wait_final(accepted.body["id"])

    assert accepted.status == 202
    assert final["status"] == "rejected"
    assert final["failure"]["code"] == "insufficient_funds"
    assert final["failure"]["detail"]
    assert set(final["failure"]) == {"code", "detail", "available", "needed"}
    assert final["entries"] == []
    assert final["finished_at"] > final["created_at"]
    assert [caller.get(f"/v1/wallets/{wallet}").body for wallet in (source, destination)] == before
    assert len(caller.get(f"/v1/wallets/{source}/entries").body["data"]) == 1


def test_a_transfer_of_all_that_the_source_holds_is_applied(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet()

    final = caller.wait_final(caller.transfer(source, destination, 100).body["id"])

    assert final["status"] == "applied"
    assert (caller.balance(source), caller.balance(destination)) == (0, 100)


@pytest.fixture
def own_caller(own_system: System) -> Caller:
    """An operator's calls to a system of the test's own: a deposit of 2^53-1 is all that its shard's external wallet may give."""
    own_system.start_api()
    own_system.start_workers(1)
    own_system.start_sweeper()
    return own_system.caller()


def wallet_of_another_shard(caller: Caller, wallet: str) -> str:
    """Return a new wallet whose deposits come from another external wallet."""
    shard = shard_of(ids.parse(Prefix.WALLET, wallet), SHARDS)
    made = (caller.new_wallet() for _ in range(1000))
    return next(other for other in made if shard_of(ids.parse(Prefix.WALLET, other), SHARDS) != shard)


def test_a_deposit_beyond_the_balance_limit_is_rejected_and_changes_nothing(own_caller: Caller) -> None:
    caller, wallet = own_caller, own_caller.new_wallet(LIMIT - 1)
    other = wallet_of_another_shard(caller, wallet)
    caller.wait_final(caller.deposit(other, 1).body["id"])
    filled = caller.wait_final(caller.transfer(other, wallet, 1).body["id"])  # only the wallet is at a limit

    final = caller.wait_final(caller.deposit(wallet, 1).body["id"])

    assert filled["status"] == "applied"
    assert (final["status"], final["failure"]["code"]) == ("rejected", "balance_limit_exceeded")
    assert final["failure"]["detail"]
    assert caller.balance(wallet) == LIMIT


def test_a_deposit_beyond_its_external_wallets_limit_is_rejected_and_changes_nothing(own_caller: Caller) -> None:
    caller, wallet = own_caller, own_caller.new_wallet(LIMIT)
    other = wallet_of_another_shard(caller, wallet)
    emptied = caller.wait_final(caller.transfer(wallet, other, LIMIT).body["id"])  # only its external wallet is at a limit

    final = caller.wait_final(caller.deposit(wallet, 1).body["id"])

    assert emptied["status"] == "applied"
    assert (final["status"], final["failure"]["code"]) == ("rejected", "balance_limit_exceeded")
    assert caller.balance(wallet) == 0


def test_a_transfer_beyond_the_destinations_balance_limit_is_rejected(own_caller: Caller) -> None:
    caller, destination = own_caller, own_caller.new_wallet(LIMIT)
    source = wallet_of_another_shard(caller, destination)
    funded = caller.wait_final(caller.deposit(source, 1).body["id"])

    final = caller.wait_final(caller.transfer(source, destination, 1).body["id"])

    assert funded["status"] == "applied"
    assert (final["status"], final["failure"]["code"]) == ("rejected", "balance_limit_exceeded")
    assert (caller.balance(source), caller.balance(destination)) == (1, LIMIT)


def test_what_one_caller_sends_in_turn_is_applied_in_turn(caller: Caller) -> None:
    wallet, other = caller.new_wallet(10), caller.new_wallet()

    sent = [caller.transfer(wallet, other, amount).body["id"] for amount in (6, 6, 4, 1)]

    outcomes = [caller.wait_final(id)["status"] for id in sent]
    assert outcomes == ["applied", "rejected", "applied", "rejected"]


def test_an_external_wallet_is_no_wallet_to_deposit_to(caller: Caller, count_stored: Count) -> None:
    before = count_stored()

    answer = caller.deposit(EXTERNAL, 5)

    assert answer.status == 422
    assert answer.field_codes == {"/wallet_id": "wallet_not_found"}
    assert count_stored() == before


def test_an_external_wallet_is_neither_source_nor_destination_of_a_transfer(caller: Caller, count_stored: Count) -> None:
    wallet = caller.new_wallet()
    before = count_stored()

    out_of, into = caller.transfer(EXTERNAL, wallet, 5), caller.transfer(wallet, EXTERNAL, 5)

    assert out_of.field_codes == {"/source_wallet_id": "wallet_not_found"}
    assert into.field_codes == {"/destination_wallet_id": "wallet_not_found"}
    assert count_stored() == before


def test_unknown_wallets_are_all_named(caller: Caller, count_stored: Count) -> None:
    before = count_stored()
    unknown, other = (ids.text(Prefix.WALLET, ids.mint()) for _ in range(2))

    answer = caller.transfer(unknown, other, 5)

    assert answer.status == 422
    assert answer.field_codes == {"/source_wallet_id": "wallet_not_found", "/destination_wallet_id": "wallet_not_found"}
    assert caller.deposit(unknown, 5).field_codes == {"/wallet_id": "wallet_not_found"}
    assert count_stored() == before


def test_a_transfer_to_its_own_source_is_refused(caller: Caller, count_stored: Count) -> None:
    wallet = caller.new_wallet()
    before = count_stored()

    answer = caller.transfer(wallet, wallet, 5)

    assert (answer.status, answer.field_codes) == (422, {"/destination_wallet_id": "same_wallet"})
    assert count_stored() == before


def test_a_202_is_sent_when_the_row_is_stored(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    key = new_key()

    accepted = caller.deposit(caller.new_wallet(), 5, key)

    [(id,)] = shared_database.execute("SELECT id FROM transfers WHERE idempotency_key = %s", [key]).fetchall()
    assert ids.text(Prefix.TRANSFER, id) == accepted.body["id"]


def test_a_transfer_that_does_not_exist_is_not_found(caller: Caller) -> None:
    wallet = caller.new_wallet()

    for id in (ids.text(Prefix.TRANSFER, ids.mint()), wallet, wallet.replace("wal_", "trf_")):
        answer = caller.get(f"/v1/transfers/{id}")
        assert (answer.status, answer.code) == (404, "not_found")
