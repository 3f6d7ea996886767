"""One key, one request, one effect: however often, however late, from however many connections."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import flood
from tests.caller import Answer, Caller, new_key
from tests.http.conftest import Count
from tests.system import System

CONNECTIONS = 50

Body = dict[str, Any]


def is_replay(answer: Answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


def is_reused(answer: Answer) -> bool:
    return answer.status == 422 and answer.code == "idempotency_key_reused" and "errors" not in answer.body


def test_a_replay_of_a_queued_transfer_is_answered_as_the_first_request_was(idle_caller: Caller) -> None:
    wallet, key = idle_caller.new_wallet(), new_key()
    first = idle_caller.deposit(wallet, 5, key)

    replay = idle_caller.deposit(wallet, 5, key)

    assert (first.status, replay.status) == (202, 202)
    assert (is_replay(first), is_replay(replay)) == (False, True)
    assert replay.body == first.body
    assert replay.headers["location"] == first.headers["location"]
    assert int(replay.headers["retry-after"]) > 0


@pytest.mark.parametrize(("balance", "status"), [(5, "applied"), (4, "rejected")])
def test_a_replay_of_a_final_transfer_is_answered_200_with_its_outcome(caller: Caller, balance: int, status: str) -> None:
    source, destination, key = caller.new_wallet(balance), caller.new_wallet(), new_key()
    first = caller.transfer(source, destination, 5, key)
    final = caller.wait_final(first.body["id"])

    replays = [caller.transfer(source, destination, 5, key) for _ in range(3)]

    for replay in replays:
        assert (replay.status, is_replay(replay)) == (200, True)
        assert replay.body == final
        assert replay.headers["location"] == first.headers["location"]
        assert "retry-after" not in replay.headers
    assert final["status"] == status
    assert caller.balance(source) + caller.balance(destination) == balance


def test_a_rejected_transfer_stays_rejected_when_money_has_come_in(caller: Caller) -> None:
    source, destination, key = caller.new_wallet(), caller.new_wallet(), new_key()
    rejected = caller.wait_final(caller.transfer(source, destination, 5, key).body["id"])
    caller.wait_final(caller.deposit(source, 5).body["id"])

    assert caller.transfer(source, destination, 5, key).body == rejected
    assert caller.balance(source) == 5


def test_one_key_from_many_connections_at_once_is_one_transfer(caller: Caller, shared_system: System, count_stored: Count) -> None:
    source, destination = caller.new_wallet(1000), caller.new_wallet()
    before = count_stored()
    post = flood.transfer(source, destination, 10)

    answers = flood.send_all(shared_system.url, [post] * CONNECTIONS, CONNECTIONS)

    assert {status for status, _ in answers} <= {200, 202}
    [id] = {body["id"] for _, body in answers}
    assert caller.wait_final(id)["status"] == "applied"
    assert (caller.balance(source), caller.balance(destination)) == (990, 10)
    assert count_stored() == {**before, "transfers": before["transfers"] + 1}


def test_one_key_for_two_requests_at_once_is_one_of_them(caller: Caller, shared_system: System, count_stored: Count) -> None:
    source, destination, key = caller.new_wallet(1000), caller.new_wallet(), new_key()
    before = count_stored()
    posts = [flood.transfer(source, destination, amount, key) for amount in (10, 11)] * 20

    answers = flood.send_all(shared_system.url, posts, len(posts))

    [stored] = {(body["id"], body["amount"]) for status, body in answers if status in {200, 202}}
    refused = [body["code"] for status, body in answers if status == 422]
    assert refused == ["idempotency_key_reused"] * 20
    assert caller.wait_final(stored[0])["amount"] == stored[1]
    assert caller.balance(destination) == stored[1]
    assert count_stored()["transfers"] == before["transfers"] + 1


CHANGES: dict[str, Callable[[Caller, Body], Body]] = {
    "source": lambda caller, body: {**body, "source_wallet_id": caller.new_wallet()},
    "destination": lambda caller, body: {**body, "destination_wallet_id": caller.new_wallet()},
    "both swapped": lambda _, body: {
        **body,
        "source_wallet_id": body["destination_wallet_id"],
        "destination_wallet_id": body["source_wallet_id"],
    },
    "amount": lambda _, body: {**body, "amount": body["amount"] + 1},
    "reference": lambda _, body: {**body, "reference": "other"},
    "reference's case": lambda _, body: {**body, "reference": body["reference"].upper()},
    "reference's white space": lambda _, body: {**body, "reference": body["reference"] + " "},
    "no reference": lambda _, body: {name: value for name, value in body.items() if name != "reference"},
    "empty reference": lambda _, body: {**body, "reference": ""},
    "metadata's value": lambda _, body: {**body, "metadata": {"a": "2"}},
    "metadata's key": lambda _, body: {**body, "metadata": {"b": "1"}},
    "more metadata": lambda _, body: {**body, "metadata": {"a": "1", "b": "1"}},
    "no metadata": lambda _, body: {name: value for name, value in body.items() if name != "metadata"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_with_any_field_changed_is_refused_and_nothing_happens(caller: Caller, count_stored: Count, change: str) -> None:
    key = new_key()
    body: Body = {
        "source_wallet_id": caller.new_wallet(100),
        "destination_wallet_id": caller.new_wallet(),
        "amount": 5,
        "reference": "one",
        "metadata": {"a": "1"},
    }
    final = caller.wait_final(caller.post("/v1/transfers", body, key=key).body["id"])
    changed = CHANGES[change](caller, body)
    before = count_stored()

    assert is_reused(caller.post("/v1/transfers", changed, key=key))
    assert count_stored() == before
    assert caller.balance(body["source_wallet_id"]) == 95
    assert caller.post("/v1/transfers", body, key=key).body == final


def test_a_key_with_an_unknown_wallet_instead_is_reused_too(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()
    caller.deposit(wallet, 5, key)

    assert is_reused(caller.deposit("wal_01h455vb4pex5vsknk084sn02q", 5, key))


def test_a_deposits_fields_are_part_of_its_key(caller: Caller) -> None:
    wallet, other, key = caller.new_wallet(), caller.new_wallet(), new_key()
    caller.deposit(wallet, 5, key)

    assert is_reused(caller.deposit(other, 5, key))
    assert is_reused(caller.deposit(wallet, 6, key))
    assert is_reused(caller.deposit(wallet, 5, key, reference="x"))
    assert is_reused(caller.deposit(wallet, 5, key, metadata={"a": "b"}))
    assert is_reused(caller.deposit(wallet, 5, key, callback_url="https://example.com/hook"))


def test_a_callback_url_is_part_of_its_key(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()
    first = caller.deposit(wallet, 5, key, callback_url="https://example.com/hook")

    again = caller.deposit(wallet, 5, key, callback_url="https://example.com/hook")

    assert (is_replay(again), again.body["id"], again.body["callback_url"]) == (True, first.body["id"], "https://example.com/hook")
    assert is_reused(caller.deposit(wallet, 5, key))
    assert is_reused(caller.deposit(wallet, 5, key, callback_url=None))
    assert is_reused(caller.deposit(wallet, 5, key, callback_url="https://example.com/other"))


def test_how_a_request_is_written_makes_no_difference(caller: Caller) -> None:
    source, destination, key = caller.new_wallet(10), caller.new_wallet(), new_key()
    plain = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": 5, "metadata": {"a": "1", "é": "2"}}
    first = caller.post("/v1/transfers", plain, key=key).body["id"]
    written = {
        "key order": json.dumps({**dict(reversed(plain.items())), "metadata": {"é": "2", "a": "1"}}),
        "white space": json.dumps(plain, indent=4).replace("\n", "\r\n\t"),
        "no white space": json.dumps(plain, separators=(",", ":")),
        "without escapes": json.dumps(plain, ensure_ascii=False),
        "defaults spelled out": json.dumps({**plain, "currency": "USD", "reference": None, "callback_url": None}),
    }

    for how, text in written.items():
        answer = caller.post("/v1/transfers", text.encode(), key=key)
        assert is_replay(answer), (how, answer)
        assert answer.body["id"] == first, how


def test_metadata_spelled_out_as_its_default_is_the_same_request(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()
    first = caller.deposit(wallet, 5, key)

    assert caller.deposit(wallet, 5, key, metadata={}).body["id"] == first.body["id"]


def test_a_key_belongs_to_one_verb(caller: Caller, count_stored: Count) -> None:
    wallet, other = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(wallet, other, 20))["id"]
    moved = caller.applied(caller.transfer(wallet, other, 20))["id"]
    verbs: dict[str, Callable[[str], Answer]] = {
        "deposit": lambda key: caller.deposit(other, 5, key),
        "transfer": lambda key: caller.transfer(wallet, other, 5, key),
        "withdrawal": lambda key: caller.withdraw(wallet, 5, key),
        "hold": lambda key: caller.hold(wallet, other, 5, key),
        "capture": lambda key: caller.capture(hold, key, amount=5),
        "release": lambda key: caller.release(hold, key, amount=5),
        "reversal": lambda key: caller.reverse(moved, key, amount=5),
        "client": lambda key: caller.post("/v1/clients", {"name": "Ada"}, key=key),
    }
    for first, send_first in verbs.items():
        key = new_key()
        assert send_first(key).status in {201, 202}
        before = count_stored()
        for second in verbs.keys() - {first}:
            answer = verbs[second](key)
            assert is_reused(answer), (first, second, answer)
        assert count_stored() == before


def test_a_refused_request_leaves_its_key_free(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()

    refused = [
        caller.deposit(wallet, 0, key),
        caller.deposit("wal_01h455vb4pex5vsknk084sn02q", 5, key),
        caller.deposit(wallet, 5, key, callback_url="http://example.com/"),
        caller.post("/v1/deposits", b"{", key=key),
        caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 5}, key=key, headers={"Content-Type": "text/plain"}),
        caller.post("/v1/deposits?x=1", {"wallet_id": wallet, "amount": 5}, key=key),
        caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 5}, key=key, headers={"Authorization": "Bearer no"}),
    ]
    accepted = caller.deposit(wallet, 5, key)

    assert [answer.status for answer in refused] == [422, 422, 422, 400, 415, 400, 401]
    assert (accepted.status, is_replay(accepted)) == (202, False)


def test_a_quoted_key_is_the_same_as_a_bare_one(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()

    bare = caller.deposit(wallet, 5, key)
    quoted = caller.deposit(wallet, 5, f'"{key}"')
    spaced = caller.deposit(wallet, 5, f"  {key} ")

    assert is_replay(quoted)
    assert is_replay(spaced)
    assert bare.body["id"] == quoted.body["id"] == spaced.body["id"]


def test_quotes_and_backslashes_within_a_quoted_key_are_escaped(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()

    bare = caller.deposit(wallet, 5, key + '\\"x')
    quoted = caller.deposit(wallet, 5, f'"{key}' + '\\\\\\"x"')

    assert is_replay(quoted)
    assert quoted.body["id"] == bare.body["id"]


def test_keys_that_differ_in_case_are_two(caller: Caller) -> None:
    wallet, key = caller.new_wallet(), new_key()

    lower, upper = caller.deposit(wallet, 5, "a" + key), caller.deposit(wallet, 5, "A" + key)

    assert lower.body["id"] != upper.body["id"]


def test_a_key_may_be_of_one_character_and_of_255(caller: Caller) -> None:
    wallet = caller.new_wallet()
    longest = new_key() + "~" * 223
    assert len(longest) == 255

    assert caller.deposit(wallet, 5, "!").status == 202
    assert caller.deposit(wallet, 5, longest).status == 202
    assert is_replay(caller.deposit(wallet, 5, f'"{longest}"'))


def test_clients_made_without_a_key_are_all_made(caller: Caller) -> None:
    first, second = caller.post("/v1/clients", {"name": "Ada"}), caller.post("/v1/clients", {"name": "Ada"})

    assert (first.status, second.status) == (201, 201)
    assert first.body["id"] != second.body["id"]
    assert first.body["wallet"]["id"] != second.body["wallet"]["id"]
    assert not is_replay(second)


def test_a_client_made_with_a_key_is_made_once_and_replayed_as_it_is_now(caller: Caller, count_stored: Count) -> None:
    key, body = new_key(), {"name": "Ada", "external_id": new_key(), "metadata": {"a": "1"}}
    first = caller.post("/v1/clients", body, key=key)
    caller.wait_final(caller.deposit(first.body["wallet"]["id"], 5).body["id"])
    before = count_stored()

    replay = caller.post("/v1/clients", dict(reversed(body.items())), key=key)

    assert (first.status, is_replay(first)) == (201, False)
    assert (replay.status, is_replay(replay)) == (201, True)
    wallet = {**first.body["wallet"], "balance": 5, "available": 5, "version": 1}
    assert replay.body == {**first.body, "wallet": wallet, "wallets": [wallet]}
    assert replay.headers["location"] == first.headers["location"] == f"/v1/clients/{first.body['id']}"
    assert count_stored() == before


@pytest.mark.parametrize("change", [{"name": "Bob"}, {"external_id": "another"}, {"metadata": {"a": "2"}}, {"currency": "EUR"}])
def test_a_clients_key_with_any_field_changed_is_reused(caller: Caller, count_stored: Count, change: Body) -> None:
    key, body = new_key(), {"name": "Ada"}
    caller.post("/v1/clients", body, key=key)
    before = count_stored()

    assert is_reused(caller.post("/v1/clients", {**body, **change}, key=key))
    assert count_stored() == before


def test_one_clients_key_from_many_connections_at_once_is_one_client(shared_system: System, count_stored: Count) -> None:
    before = count_stored()
    post = flood.Post("/v1/clients", {"name": "Ada", "external_id": new_key()}, new_key())

    answers = flood.send_all(shared_system.url, [post] * CONNECTIONS, CONNECTIONS)

    assert {status for status, _ in answers} == {201}
    assert len({body["id"] for _, body in answers}) == 1
    assert count_stored() == {**before, "clients": before["clients"] + 1, "wallets": before["wallets"] + 1}


def test_a_client_refused_for_its_external_id_leaves_its_key_free(caller: Caller) -> None:
    key, taken = new_key(), new_key()
    caller.new_client(external_id=taken)

    refused = caller.post("/v1/clients", {"name": "Ada", "external_id": taken}, key=key)
    accepted = caller.post("/v1/clients", {"name": "Ada"}, key=key)

    assert (refused.status, refused.code) == (409, "external_id_taken")
    assert (accepted.status, is_replay(accepted)) == (201, False)


def test_one_external_id_at_once_makes_one_client(shared_system: System, count_stored: Count) -> None:
    before, external_id = count_stored(), new_key()
    posts = [flood.Post("/v1/clients", {"name": "Ada", "external_id": external_id}, new_key()) for _ in range(20)]

    answers = flood.send_all(shared_system.url, posts, len(posts))

    assert sorted(status for status, _ in answers) == [201] + [409] * 19
    assert count_stored()["clients"] == before["clients"] + 1


@pytest.fixture
def two_apis(own_system: System, tmp_path: Path) -> Iterator[list[Caller]]:
    """An operator's calls to two processes of the API on one database, without workers."""
    folder = tmp_path / "second"
    folder.mkdir()
    other = System(folder, own_system.database_url, own_system.redis_url)
    own_system.start_api(), other.start_api()
    callers = [own_system.caller(), other.caller()]
    yield callers
    other.close()


def post_with_key(caller: Caller, verb: str, wallets: Sequence[str], key: str) -> int:
    """Return the status of a request of this kind with the key; of a batch, that of its item."""
    if verb == "client":
        return caller.post("/v1/clients", {"name": "Ada"}, key=key).status
    if verb == "deposit":
        return caller.deposit(wallets[0], 1, key).status
    transfer = {"source_wallet_id": wallets[0], "destination_wallet_id": wallets[1], "amount": 2}
    if verb == "transfer":
        return caller.post("/v1/transfers", transfer, key=key).status
    [result] = caller.post("/v1/transfers/batch", {"transfers": [{**transfer, "amount": 3, "idempotency_key": key}]}).body[
        "results"
    ]
    return int(result["status"])


def test_one_key_for_two_verbs_at_the_same_moment_has_one_effect(two_apis: list[Caller]) -> None:
    wallets, tries = [two_apis[0].new_wallet() for _ in range(2)], 40
    with ThreadPoolExecutor(2) as threads:
        for pair in itertools.combinations(("client", "deposit", "transfer", "batch item"), 2):
            for _ in range(tries):
                key, start = new_key(), threading.Barrier(2)

                def post(caller: Caller, verb: str, key: str = key, start: threading.Barrier = start) -> int:
                    start.wait()
                    return post_with_key(caller, verb, wallets, key)

                statuses = list(threads.map(post, two_apis, pair))
                assert min(statuses) in {201, 202}, (pair, statuses)
                assert max(statuses) == 422, (pair, statuses)
