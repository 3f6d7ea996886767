"""POST /v1/transfers/batch: many transfers in one request, each standing alone."""

from typing import Any

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Answer, Caller, new_key
from tests.http.conftest import AsClient, Count

BATCH = "/v1/transfers/batch"


def item(source: str, destination: str, amount: object = 1, key: str | None = None, **fields: object) -> dict[str, Any]:
    named = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": amount}
    return {"idempotency_key": key or new_key(), **named, **fields}


def send(caller: Caller, *items: object) -> list[Any]:
    answer = caller.post(BATCH, {"transfers": list(items)})
    assert answer.status == 200, answer
    results: list[Any] = answer.body["results"]
    assert len(results) == len(items)
    return results


def test_each_item_becomes_a_transfer_and_is_applied_in_order(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet()

    results = send(caller, *(item(source, destination, amount) for amount in range(1, 6)))

    assert [result["status"] for result in results] == [202] * 5
    ids = [result["transfer"]["id"] for result in results]
    assert {caller.wait_final(id)["status"] for id in ids} == {"applied"}
    entries = caller.get(f"/v1/wallets/{destination}/entries").body["data"]
    assert [entry["transfer_id"] for entry in reversed(entries)] == ids


def test_a_bad_item_fails_alone_with_the_problem_of_its_own_request(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet()
    stranger = "wal_00000000000000000000000001"

    results = send(
        caller,
        item(source, destination, 1),
        item(source, destination, 0),
        item(source, stranger, 1),
        item(source, source, 1),
        {"amount": 1},
        "transfer",
        item(source, destination, 2, surprise=True),
        item(source, destination, 3),
    )

    assert [result["status"] for result in results] == [202, 422, 422, 422, 422, 422, 422, 202]
    problems = [result["problem"] for result in results if "problem" in result]
    assert {problem["code"] for problem in problems} == {"validation_failed"}
    assert [{error["pointer"]: error["code"] for error in problem["errors"]} for problem in problems] == [
        {"/amount": "amount_not_positive"},
        {"/destination_wallet_id": "wallet_not_found"},
        {"/destination_wallet_id": "same_wallet"},
        {"/source_wallet_id": "required", "/destination_wallet_id": "required", "/idempotency_key": "required"},
        {"": "wrong_type"},
        {"/surprise": "unknown_field"},
    ]


@pytest.mark.parametrize("key", [" Zq7xMark", "Zq7xMark ", "\tZq7xMark"])
def test_a_key_with_space_around_it_is_refused(caller: Caller, key: str) -> None:
    source, destination = caller.new_wallet(), caller.new_wallet()

    [result] = send(caller, item(source, destination, key=key))

    assert result["problem"]["errors"][0]["pointer"] == "/idempotency_key"
    assert result["problem"]["errors"][0]["code"] == "invalid_string"


def test_a_repeated_key_in_one_batch_behaves_as_across_requests(caller: Caller) -> None:
    source, destination, key = caller.new_wallet(100), caller.new_wallet(), new_key()

    first, same, other = send(
        caller, item(source, destination, 1, key), item(source, destination, 1, key), item(source, destination, 2, key)
    )

    assert (first["status"], same["status"]) == (202, 202)
    assert first["transfer"]["id"] == same["transfer"]["id"]
    assert (other["status"], other["problem"]["code"]) == (422, "idempotency_key_reused")
    caller.wait_final(first["transfer"]["id"])
    assert caller.balance(destination) == 1


def test_an_item_and_a_single_request_with_its_key_are_the_same_transfer(caller: Caller) -> None:
    source, destination, key = caller.new_wallet(100), caller.new_wallet(), new_key()
    single = caller.transfer(source, destination, 7, key).body
    caller.wait_final(single["id"])

    [replayed] = send(caller, item(source, destination, 7, key))

    assert (replayed["status"], replayed["transfer"]["id"]) == (200, single["id"])


def test_a_thousand_items_are_taken_and_one_more_is_refused(caller: Caller) -> None:
    source, destination = caller.new_wallet(1000), caller.new_wallet()
    items = [item(source, destination) for _ in range(1001)]

    refused = caller.post(BATCH, {"transfers": items})
    results = send(caller, *items[:1000])

    assert refused.field_codes == {"/transfers": "too_long"}
    assert {result["status"] for result in results} == {202}
    caller.wait_final(results[-1]["transfer"]["id"])
    assert caller.balance(destination) == 1000


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/transfers", "required"),
        ({"transfers": []}, "/transfers", "required"),
        ({"transfers": {}}, "/transfers", "wrong_type"),
        ({"transfers": [{}], "mode": "all"}, "/mode", "unknown_field"),
    ],
)
def test_a_body_of_another_shape_is_refused_whole(caller: Caller, body: object, pointer: str, code: str) -> None:
    assert caller.post(BATCH, body).field_codes == {pointer: code}


def test_a_batch_may_be_a_mebibyte_and_not_a_byte_more(caller: Caller) -> None:
    def of_size(size: int) -> Answer:
        return caller.post(BATCH, b'{"transfers": []}'.ljust(size))

    assert of_size(1024 * 1024).field_codes == {"/transfers": "required"}
    assert of_size(1024 * 1024 + 1).code == "body_too_large"


def test_a_key_in_the_header_is_refused(caller: Caller) -> None:
    assert caller.post(BATCH, {"transfers": [{}]}, key=new_key()).code == "idempotency_key_invalid"


def of(type: object, key: str | None = None, **fields: object) -> dict[str, Any]:
    return {"idempotency_key": key or new_key(), "type": type, **fields}


def test_items_of_every_verb_are_applied_in_order(caller: Caller) -> None:
    wallet, other = caller.new_wallet(100), caller.new_wallet()
    between = {"source_wallet_id": wallet, "destination_wallet_id": other}
    hold = caller.applied(caller.hold(wallet, other, 50))["id"]
    moved = caller.applied(caller.transfer(wallet, other, 10))["id"]

    results = send(
        caller,
        of("deposit", wallet_id=wallet, amount=20),
        of("withdrawal", wallet_id=wallet, amount=1000, up_to=True),
        of("hold", source_wallet_id=other, amount=3, expires_in_s=60),
        of("capture", parent_id=hold, amount=30),
        of("release", parent_id=hold),
        of("reversal", parent_id=moved, amount=7),
        of("transfer", **between, amount=20),
        item(wallet, other, 1, scheduled_for="2026-01-31T09:30:00Z"),
    )

    assert [result["status"] for result in results] == [202] * 8
    finals = [caller.wait_final(result["transfer"]["id"]) for result in results]
    assert {final["status"] for final in finals} == {"applied"}
    assert [final["type"] for final in finals] == [
        *("deposit", "withdrawal", "hold", "capture", "release", "reversal", "transfer", "transfer")
    ]
    assert [final["amount"] for final in finals[3:6]] == [30, 20, 7]
    assert finals[3]["parent_id"] == finals[4]["parent_id"] == hold


def test_an_item_is_refused_as_a_request_of_its_own_would_be(caller: Caller, as_client: AsClient, count_stored: Count) -> None:
    ada, bob = caller.new_client(), caller.new_client()
    adas, wallet, other = as_client(ada), ada["wallet"]["id"], bob["wallet"]["id"]
    caller.applied(caller.deposit(wallet, 100))
    hold = caller.applied(adas.hold(wallet, other, 50))["id"]
    paid = caller.applied(caller.deposit(other, 5))
    absent = ids.text(Prefix.TRANSFER, ids.mint())
    before = count_stored()

    refused = {
        "an operator's verb": (of("deposit", wallet_id=wallet, amount=0), 403, "forbidden"),
        "a payer's capture": (of("capture", parent_id=hold, amount=0), 403, "forbidden"),
        "of another's": (of("reversal", parent_id=paid["id"]), 404, "not_found"),
        "of an absent one": (of("capture", parent_id=absent, amount=0), 404, "not_found"),
        "of no id": (of("capture", parent_id="Zq7xMark"), 404, "not_found"),
        "no parent": (of("release"), 422, "validation_failed"),
        "a parent of another type": (of("release", parent_id=5), 422, "validation_failed"),
        "an unknown type": (
            of("payment", source_wallet_id=wallet, destination_wallet_id=other, amount=1),
            422,
            "validation_failed",
        ),
        "a type of another type": (of(["hold"], amount=1), 422, "validation_failed"),
        "a parent of a transfer": (item(wallet, other, parent_id=hold), 422, "validation_failed"),
        "another's money": (of("hold", source_wallet_id=other, destination_wallet_id=wallet, amount=1), 422, "validation_failed"),
        "a hold without a payee": (of("hold", source_wallet_id=wallet, amount=1), 422, "validation_failed"),
    }
    results = send(adas, *(sent for sent, _, _ in refused.values()))

    assert {case: (result["status"], result["problem"]["code"]) for case, result in zip(refused, results, strict=True)} == {
        case: (status, code) for case, (_, status, code) in refused.items()
    }
    assert count_stored() == before
    assert fields_of(results[5]) == {"/parent_id": "required"}
    assert fields_of(results[6]) == {"/parent_id": "wrong_type"}
    assert fields_of(results[7]) == fields_of(results[8]) == {"/type": "wrong_type"}


def fields_of(result: Any) -> dict[str, str]:
    return {error["pointer"]: error["code"] for error in result["problem"]["errors"]}


def test_an_item_names_a_parent_of_its_own_type(caller: Caller) -> None:
    wallet, other = caller.new_wallet(10), caller.new_wallet()
    hold = caller.applied(caller.hold(wallet, other, 5))["id"]
    moved = caller.applied(caller.transfer(wallet, other, 5))["id"]

    capture, reversal = send(caller, of("capture", parent_id=moved), of("reversal", parent_id=hold))

    assert (capture["status"], capture["problem"]["code"]) == (409, "not_a_hold")
    assert (reversal["status"], reversal["problem"]["code"]) == (409, "not_reversible")


def test_an_item_of_a_verb_and_a_request_of_its_own_with_its_key_are_the_same(caller: Caller) -> None:
    wallet, other, key = caller.new_wallet(10), caller.new_wallet(), new_key()
    hold = caller.applied(caller.hold(wallet, other, 5))["id"]
    captured = caller.applied(caller.capture(hold, key, final=True))

    same, changed, another = send(
        caller,
        of("capture", key, parent_id=hold, final=True),
        of("capture", key, parent_id=hold, amount=5, final=True),
        of("release", key, parent_id=hold),
    )

    assert (same["status"], same["transfer"]) == (200, captured)
    assert changed["problem"]["code"] == another["problem"]["code"] == "idempotency_key_reused"
