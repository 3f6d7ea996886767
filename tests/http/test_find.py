"""Finding: what a transfer says of how it was submitted and why it waits, and the filters and the search that find it."""

from datetime import UTC, datetime, timedelta
from typing import Any

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
    assert [row["queue"] for row in idle_caller.get(f"/v1/transfers?wallet_id={client['wallet']['id']}").body["data"]] == [
        None,
        None,
    ]


def test_what_is_scheduled_or_final_has_no_place_in_the_queue(caller: Caller) -> None:
    source, destination = caller.new_wallet(10), caller.new_wallet()
    later = caller.transfer(source, destination, 1, scheduled_for=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    soon = caller.transfer(source, destination, 1)

    assert caller.wait_final(soon.body["id"])["queue"] is None
    assert caller.get(later.headers["location"]).body["queue"] is None
