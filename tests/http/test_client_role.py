"""A client's key: it reads what belongs to the client, as the operator sees it, and nothing of other clients."""

from dataclasses import dataclass
from typing import Any

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Answer, Caller, new_key
from tests.http.conftest import AsClient
from tests.system import System
from tests.waiting import wait_for


@dataclass(frozen=True)
class Client:
    """A client of the shared system, and a caller with its key."""

    id: str
    wallet: str
    caller: Caller


@pytest.fixture
def ada(caller: Caller, as_client: AsClient) -> Client:
    return new_client(caller, as_client)


@pytest.fixture
def bob(caller: Caller, as_client: AsClient) -> Client:
    return new_client(caller, as_client)


def new_client(caller: Caller, as_client: AsClient, balance: int = 100) -> Client:
    made = caller.new_client()
    caller.wait_final(caller.deposit(made["wallet"]["id"], balance).body["id"])
    return Client(made["id"], made["wallet"]["id"], as_client(made))


def absent_wallet() -> str:
    return ids.text(Prefix.WALLET, ids.mint())


def without_entries(transfer: dict[str, Any]) -> dict[str, Any]:
    """What both parties are shown alike: how it was submitted is shown to the one that did, and the shard to operators."""
    return {name: value for name, value in transfer.items() if name not in {"entries", "idempotency_key", "submitted_by", "shard"}}


def told(answer: Answer) -> object:
    return answer.status, {name: value for name, value in answer.body.items() if name != "request_id"}


def test_a_client_reads_what_is_its_own_as_the_operator_does(caller: Caller, ada: Client) -> None:
    for path in (f"/v1/clients/{ada.id}", f"/v1/wallets/{ada.wallet}", f"/v1/wallets/{ada.wallet}/entries"):
        mine, operators = ada.caller.get(path), caller.get(path)
        assert (mine.status, mine.body) == (200, operators.body), path


def test_both_parties_read_a_transfer_whole_but_for_the_others_entry(caller: Caller, ada: Client, bob: Client) -> None:
    sent = ada.caller.transfer(ada.wallet, bob.wallet, 30, reference="lunch", metadata={"a": "b"}).body
    whole = caller.wait_final(sent["id"])
    assert [entry["wallet_id"] for entry in whole["entries"]] == [ada.wallet, bob.wallet]

    for party, entry in ((ada, whole["entries"][0]), (bob, whole["entries"][1])):
        read = party.caller.get(f"/v1/transfers/{sent['id']}").body
        listed = party.caller.get("/v1/transfers?limit=1").body["data"]
        assert without_entries(read) == without_entries(whole)
        assert read["entries"] == [entry]
        assert listed == [read]


def test_a_client_sees_a_deposit_with_its_own_entry_alone(caller: Caller, ada: Client) -> None:
    [deposit] = ada.caller.get("/v1/transfers").body["data"]

    assert (deposit["type"], deposit["source_wallet_id"]) == ("deposit", None)
    assert [entry["wallet_id"] for entry in deposit["entries"]] == [ada.wallet]
    assert len(caller.get(f"/v1/transfers/{deposit['id']}").body["entries"]) == 2


def test_the_other_side_of_deposits_is_hidden_from_a_client(caller: Caller, ada: Client) -> None:
    [entry] = ada.caller.get(f"/v1/wallets/{ada.wallet}/entries").body["data"]
    entries = caller.get(f"/v1/transfers/{entry['transfer_id']}").body["entries"]
    [outside] = {entry["wallet_id"] for entry in entries} - {ada.wallet}
    assert caller.get(f"/v1/wallets/{outside}").status == 200

    assert ada.caller.get(f"/v1/wallets/{outside}").code == "not_found"
    assert ada.caller.get(f"/v1/transfers?wallet_id={outside}").body["data"] == []
    assert ada.caller.transfer(outside, ada.wallet, 1).field_codes == {"/source_wallet_id": "wallet_not_found"}


def test_a_client_lists_the_transfers_that_it_is_a_party_to_and_no_others(
    caller: Caller, as_client: AsClient, ada: Client, bob: Client
) -> None:
    eve = new_client(caller, as_client)
    sent = [caller.transfer(ada.wallet, bob.wallet, 1), caller.transfer(bob.wallet, ada.wallet, 200)]
    caller.transfer(bob.wallet, eve.wallet, 1)
    sent.append(ada.caller.transfer(ada.wallet, eve.wallet, 1))
    first, rejected, last = (caller.wait_final(answer.body["id"])["id"] for answer in sent)

    def listed(query: str) -> list[str]:
        return [row["id"] for row in ada.caller.get(f"/v1/transfers?{query}").body["data"]]

    [*three, deposit] = listed("")
    assert three == [last, rejected, first]
    assert listed(f"wallet_id={ada.wallet}") == [last, rejected, first, deposit]
    assert listed("status=rejected") == [rejected]
    assert listed("status=queued") == []
    for anothers in (bob.wallet, eve.wallet, absent_wallet()):
        assert ada.caller.get(f"/v1/transfers?wallet_id={anothers}").body == {"data": [], "has_more": False, "next_cursor": None}
    page = ada.caller.get("/v1/transfers?limit=3").body
    assert [row["id"] for row in ada.caller.get(f"/v1/transfers?cursor={page['next_cursor']}").body["data"]] == [deposit]


def test_a_client_lists_its_queued_transfers_alone(idle_caller: Caller) -> None:
    mine, other = idle_caller.new_client(), idle_caller.new_wallet()
    key = idle_caller.request("POST", f"/v1/clients/{mine['id']}/keys").body["key"]
    queued = idle_caller.deposit(mine["wallet"]["id"], 5).body
    idle_caller.deposit(other, 5)

    listed = idle_caller.get("/v1/transfers?status=queued", headers={"Authorization": f"Bearer {key}"})

    [seen] = listed.body["data"]
    assert without_entries(seen) == without_entries(queued)


def test_a_client_follows_the_events_of_its_own_transfers_with_its_own_entries(caller: Caller, ada: Client, bob: Client) -> None:
    shared = caller.wait_final(ada.caller.transfer(ada.wallet, bob.wallet, 30).body["id"])["id"]
    alien = caller.wait_final(caller.deposit(bob.wallet, 1).body["id"])["id"]

    def followed() -> list[Any]:
        return list(ada.caller.get("/v1/events").body["data"])

    wait_for(lambda: len(followed()) == 2, "both events: they are shown when all older transactions have ended")
    events = followed()

    assert events[1]["data"] == ada.caller.get(f"/v1/transfers/{shared}").body
    assert [entry["wallet_id"] for event in events for entry in event["data"]["entries"]] == [ada.wallet, ada.wallet]
    assert ada.caller.get(f"/v1/events?after={events[1]['id']}").body["data"] == []
    assert ada.caller.get(f"/v1/events/{events[1]['id']}").body == events[1]
    assert ada.caller.get(f"/v1/events?after={alien.replace('trf_', 'evt_')}").code == "invalid_cursor"


def test_a_cursor_is_bound_to_its_caller(caller: Caller, ada: Client, bob: Client) -> None:
    for _ in range(2):
        caller.wait_final(ada.caller.transfer(ada.wallet, bob.wallet, 1).body["id"])
    for path in ("/v1/transfers?", f"/v1/wallets/{ada.wallet}/entries?"):
        cursor = ada.caller.get(f"{path}limit=1").body["next_cursor"]
        assert ada.caller.get(f"{path}cursor={cursor}").status == 200
        assert caller.get(f"{path}cursor={cursor}").code == "invalid_cursor"
    cursor = ada.caller.get("/v1/transfers?limit=1").body["next_cursor"]
    assert bob.caller.get(f"/v1/transfers?cursor={cursor}").code == "invalid_cursor"


def test_a_client_moves_its_own_money_and_no_other(caller: Caller, ada: Client, bob: Client) -> None:
    moved = ada.caller.transfer(ada.wallet, bob.wallet, 10)
    taken = ada.caller.transfer(bob.wallet, ada.wallet, 10)
    minted = ada.caller.deposit(ada.wallet, 10)

    assert (moved.status, caller.wait_final(moved.body["id"])["status"]) == (202, "applied")
    assert taken.field_codes == {"/source_wallet_id": "wallet_not_found"}
    assert minted.code == "forbidden"
    assert (caller.balance(ada.wallet), caller.balance(bob.wallet)) == (90, 110)


def test_anothers_wallet_as_source_is_answered_as_one_that_is_not_there(caller: Caller, ada: Client, bob: Client) -> None:
    used, free = new_key(), new_key()
    assert ada.caller.transfer(ada.wallet, bob.wallet, 1, used).status == 202

    for key in (used, free):
        for destination in (ada.wallet, caller.new_wallet(), absent_wallet()):
            anothers = ada.caller.transfer(bob.wallet, destination, 1, key)
            absent = ada.caller.transfer(absent_wallet(), destination, 1, key)
            assert anothers.status == 422
            assert told(anothers) == told(absent), (key == used, destination)
    for wallet in (bob.wallet, absent_wallet()):
        assert ada.caller.transfer(wallet, wallet, 1, free).field_codes == {"/destination_wallet_id": "same_wallet"}
    accepted = ada.caller.transfer(ada.wallet, bob.wallet, 2, free)
    assert (accepted.status, "idempotent-replayed" in accepted.headers) == (202, False)


def test_a_batch_is_as_narrow_as_its_items(caller: Caller, ada: Client, bob: Client) -> None:
    def item(source: str, key: str) -> dict[str, Any]:
        return {"idempotency_key": key, "source_wallet_id": source, "destination_wallet_id": third, "amount": 1}

    third, key = caller.new_wallet(), new_key()
    body = {"transfers": [item(ada.wallet, key), item(bob.wallet, new_key()), item(absent_wallet(), new_key())]}

    [own, anothers, absent] = ada.caller.post("/v1/transfers/batch", body).body["results"]

    assert (own["status"], anothers["status"]) == (202, 422)
    assert anothers == absent
    assert [error["code"] for error in anothers["problem"]["errors"]] == ["wallet_not_found"]
    caller.wait_final(own["transfer"]["id"])
    [replayed] = ada.caller.post("/v1/transfers/batch", {"transfers": [item(ada.wallet, key)]}).body["results"]
    assert (replayed["status"], replayed["transfer"]["id"]) == (200, own["transfer"]["id"])
    assert [entry["wallet_id"] for entry in replayed["transfer"]["entries"]] == [ada.wallet]


def test_a_client_learns_that_a_destination_is_not_there_because_it_must(ada: Client) -> None:
    assert ada.caller.transfer(ada.wallet, absent_wallet(), 1).field_codes == {"/destination_wallet_id": "wallet_not_found"}


def test_each_caller_has_idempotency_keys_of_its_own(caller: Caller, ada: Client, bob: Client) -> None:
    key, third = new_key(), caller.new_wallet()
    sent = {
        who: party.transfer(wallet, third, 1, key)
        for who, party, wallet in (
            ("operator", caller, ada.wallet),
            ("ada", ada.caller, ada.wallet),
            ("bob", bob.caller, bob.wallet),
        )
    }
    client = caller.post("/v1/clients", {"name": "Eve"}, key=(clients_key := new_key()))

    assert [answer.status for answer in sent.values()] == [202] * 3
    assert len({answer.body["id"] for answer in sent.values()}) == 3
    for who, party in (("operator", caller), ("ada", ada.caller), ("bob", bob.caller)):
        listed = party.get(f"/v1/transfers?idempotency_key={key}").body["data"]
        assert [row["id"] for row in listed] == [sent[who].body["id"]]
    assert client.status == 201
    assert ada.caller.transfer(ada.wallet, third, 1, clients_key).status == 202


def test_a_replay_shows_a_client_its_own_entry_alone(caller: Caller, ada: Client, bob: Client) -> None:
    key = new_key()
    sent = ada.caller.transfer(ada.wallet, bob.wallet, 1, key)
    caller.wait_final(sent.body["id"])

    replayed = ada.caller.transfer(ada.wallet, bob.wallet, 1, key)

    assert (replayed.status, replayed.headers["idempotent-replayed"], replayed.body["id"]) == (200, "true", sent.body["id"])
    assert [entry["wallet_id"] for entry in replayed.body["entries"]] == [ada.wallet]


def test_all_keys_of_a_client_share_one_scope(caller: Caller, ada: Client, bob: Client) -> None:
    other_key = caller.request("POST", f"/v1/clients/{ada.id}/keys").body["key"]
    authorization = {"Authorization": f"Bearer {other_key}"}
    body, key = {"source_wallet_id": ada.wallet, "destination_wallet_id": bob.wallet, "amount": 1}, new_key()

    first = ada.caller.post("/v1/transfers", body, key=key)
    again = ada.caller.post("/v1/transfers", body, key=key, headers=authorization)

    assert (again.body["id"], again.headers["idempotent-replayed"]) == (first.body["id"], "true")


def test_what_clients_moved_is_proved_by_the_audit(shared_system: System, caller: Caller, ada: Client, bob: Client) -> None:
    sent = [ada.caller.transfer(ada.wallet, bob.wallet, 60) for _ in range(3)]

    assert sorted(caller.wait_final(answer.body["id"])["status"] for answer in sent) == ["applied", "rejected", "rejected"]
    assert shared_system.audit().clean
