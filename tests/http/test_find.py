"""Finding: what a transfer says of how it was submitted and why it waits, and the filters and the search that find it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.caller import Caller, new_key
from tests.http.conftest import AsClient

ORIGIN = ("idempotency_key", "submitted_by", "shard")


def origin(transfer: dict[str, Any]) -> tuple[object, ...]:
    return tuple(transfer[name] for name in ORIGIN)


def test_a_transfer_says_to_its_owner_and_to_operators_which_key_submitted_it(caller: Caller, as_client: AsClient) -> None:
    payer, payee = caller.new_client(), caller.new_client()
    deposit = caller.applied(caller.deposit(payer["wallet"]["id"], 100, key="of-the-operator-" + payer["id"]))
    own, others, key = as_client(payer), as_client(payee), new_key()
    accepted = own.transfer(payer["wallet"]["id"], payee["wallet"]["id"], 5, key=key)
    [made] = caller.get(f"/v1/clients/{payer['id']}/keys").body["data"]

    seen = caller.get(accepted.headers["location"]).body

    assert accepted.status == 202
    assert origin(seen) == (key, made["id"], deposit["shard"])
    assert origin(accepted.body) == origin(own.get(accepted.headers["location"]).body) == (key, made["id"], None)
    assert origin(others.get(accepted.headers["location"]).body) == (None, None, None)
    assert origin(deposit)[:2] == ("of-the-operator-" + payer["id"], "configured")
    assert origin(own.get(f"/v1/transfers/{deposit['id']}").body) == (None, None, None)


def test_a_repetition_by_another_key_of_the_client_says_which_key_was_first(caller: Caller, as_client: AsClient) -> None:
    client, other = caller.new_client(), caller.new_wallet()
    first, second, key = as_client(client), as_client(client), new_key()
    accepted = first.transfer(client["wallet"]["id"], other, 5, key=key).body

    repeated = second.transfer(client["wallet"]["id"], other, 5, key=key)

    assert repeated.headers["idempotent-replayed"] == "true"
    assert repeated.body["submitted_by"] == accepted["submitted_by"]


def test_a_queued_transfer_says_to_operators_how_many_are_before_it(idle_caller: Caller) -> None:
    client = idle_caller.new_client()
    first, second = (idle_caller.deposit(client["wallet"]["id"], 1) for _ in range(2))
    before, after = (idle_caller.get(answer.headers["location"]).body["queue"] for answer in (first, second))

    assert first.body["queue"] is None
    assert after["ahead"] == before["ahead"] + 1
    assert after["oldest_seconds"] >= before["oldest_seconds"] >= 0
    own = Caller(idle_caller.url, idle_caller.request("POST", f"/v1/clients/{client['id']}/keys").body["key"])
    assert own.get(first.headers["location"]).body["queue"] is None
    own.close()
    listed = idle_caller.get(f"/v1/transfers?wallet_id={client['wallet']['id']}").body["data"]
    assert [row["queue"] for row in listed] == [None, None]


def test_what_is_scheduled_or_final_has_no_place_in_the_queue(caller: Caller) -> None:
    source, destination = caller.new_wallet(10), caller.new_wallet()
    later = caller.transfer(source, destination, 1, scheduled_for=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    soon = caller.transfer(source, destination, 1)

    assert caller.wait_final(soon.body["id"])["queue"] is None
    assert caller.get(later.headers["location"]).body["queue"] is None


def figures(transfer: dict[str, Any]) -> tuple[object, object]:
    return transfer["failure"]["available"], transfer["failure"]["needed"]


def test_a_rejection_says_what_was_there_and_what_was_needed(caller: Caller, as_client: AsClient) -> None:
    payer, payee, key = caller.new_client(), caller.new_wallet(), new_key()
    wallet, own = payer["wallet"]["id"], as_client(payer)
    caller.applied(caller.deposit(wallet, 3950))
    rejected = caller.wait_final(own.transfer(wallet, payee, 999_999, key=key).body["id"])
    caller.applied(caller.deposit(wallet, 1_000_000))

    assert (rejected["failure"]["code"], *figures(rejected)) == ("insufficient_funds", 3950, 999_999)
    assert figures(own.get(f"/v1/transfers/{rejected['id']}").body) == (3950, 999_999)
    assert figures(own.transfer(wallet, payee, 999_999, key=key).body) == (3950, 999_999)
    assert figures(own.get(f"/v1/events/{rejected['id'].replace('trf_', 'evt_')}").body["data"]) == (3950, 999_999)
    [listed] = caller.get(f"/v1/transfers?wallet_id={wallet}&status=rejected").body["data"]
    assert listed == rejected


def test_the_payee_of_a_rejected_transfer_does_not_see_what_the_payer_has(caller: Caller, as_client: AsClient) -> None:
    payer, payee, other = caller.new_wallet(50), caller.new_client(), caller.new_client()
    mine, third = payee["wallet"]["id"], other["wallet"]["id"]
    rejected = caller.wait_final(caller.transfer(payer, mine, 51).body["id"])
    split = {"debits": [{"wallet_id": payer, "amount": 40}, {"wallet_id": third, "amount": 9}]}
    body = {**split, "credits": [{"wallet_id": mine, "amount": 49}]}
    of_two = caller.wait_final(caller.post("/v1/transfers", body, key=new_key()).body["id"])

    assert (figures(rejected), figures(of_two)) == ((50, 51), (0, 9))
    assert figures(as_client(payee).get(f"/v1/transfers/{rejected['id']}").body) == (None, None)
    assert figures(as_client(payee).get(f"/v1/transfers/{of_two['id']}").body) == (None, None)
    assert figures(as_client(other).get(f"/v1/transfers/{of_two['id']}").body) == (
        None,
        None,
    )  # it does not see both debited wallets


def test_a_rejection_by_an_earlier_version_has_no_figures(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    rejected = caller.wait_final(caller.transfer(caller.new_wallet(1), caller.new_wallet(), 2).body["id"])
    shared_database.execute(
        "UPDATE transfers SET available = NULL, needed = NULL, submitted_by = NULL WHERE idempotency_key = %s",
        [rejected["idempotency_key"]],
    )

    shown = caller.get(f"/v1/transfers/{rejected['id']}").body

    assert (figures(shown), shown["submitted_by"]) == ((None, None), None)
    assert figures(rejected) == (1, 2)
