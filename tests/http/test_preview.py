"""`?preview=true` on each POST that moves money: the same door, the same decision, and nothing stored."""

from typing import Any

import pytest

from tests.caller import Answer, Caller, new_key
from tests.http.conftest import AsClient, Count

PREVIEW = "?preview=true"


def preview(caller: Caller, path: str, body: object, **options: Any) -> Answer:
    return caller.post(f"{path}{PREVIEW}", body, **options)


@pytest.fixture
def wallets(caller: Caller) -> tuple[str, str]:
    return caller.new_wallet(100), caller.new_wallet()


def test_a_preview_has_the_fields_of_a_transfer_and_two_of_its_own(
    caller: Caller, wallets: tuple[str, str], count_stored: Count
) -> None:
    source, destination = wallets
    body = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": 30, "reference": "rent"}
    before = count_stored()

    answer = preview(caller, "/v1/transfers", body)

    assert answer.status == 200
    assert count_stored() == before
    assert caller.balance(source) == 100
    final = caller.applied(caller.post("/v1/transfers", body, key=new_key()))
    assert set(answer.body) == {*final, "preview"}
    varying = ("id", "created_at", "finished_at", "idempotency_key", "preview")
    assert {name: value for name, value in answer.body.items() if name not in varying} == {
        name: value for name, value in final.items() if name not in varying
    }
    assert (answer.body["id"], answer.body["finished_at"], answer.body["idempotency_key"]) == (None, None, None)
    assert answer.body["preview"]["complete"] is True
    assert "location" not in answer.headers


def test_each_verb_can_be_previewed(caller: Caller, wallets: tuple[str, str], count_stored: Count) -> None:
    source, destination = wallets
    held = caller.applied(caller.hold(source, destination, 40))["id"]
    paid = caller.applied(caller.transfer(source, destination, 10))["id"]
    between = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": 20}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "deposit": ("/v1/deposits", {"wallet_id": source, "amount": 5}),
        "withdrawal": ("/v1/withdrawals", {"wallet_id": source, "amount": 5}),
        "transfer": ("/v1/transfers", between),
        "hold": ("/v1/holds", between),
        "capture": (f"/v1/transfers/{held}/capture", {"amount": 15, "final": True}),
        "release": (f"/v1/transfers/{held}/release", {}),
        "reversal": (f"/v1/transfers/{paid}/reverse", {}),
    }
    before = count_stored()

    shown = {type: preview(caller, path, body).body for type, (path, body) in asked.items()}

    assert {type: (one["type"], one["status"]) for type, one in shown.items()} == {type: (type, "applied") for type in asked}
    assert [shown[type]["amount"] for type in asked] == [5, 5, 20, 20, 15, 40, 10]
    assert [len(shown[type]["entries"]) for type in asked] == [1 + 1, 2, 2, 0, 2, 0, 2]
    assert shown["hold"]["hold"]["remaining_amount"] == 20
    assert count_stored() == before
    assert caller.get(f"/v1/wallets/{source}").body["held"] == 40


def test_a_refusal_is_foretold_with_its_reason(caller: Caller, wallets: tuple[str, str]) -> None:
    source, destination = wallets
    body = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": 101}

    shown = preview(caller, "/v1/transfers", body).body

    assert (shown["status"], shown["failure"]["code"], shown["entries"]) == ("rejected", "insufficient_funds", [])


def test_what_is_queued_counts(idle_caller: Caller) -> None:
    wallet = idle_caller.new_wallet()
    idle_caller.deposit(wallet, 50)

    shown = preview(idle_caller, "/v1/withdrawals", {"wallet_id": wallet, "amount": 50}).body

    assert (shown["status"], shown["preview"]["complete"]) == ("applied", True)
    assert shown["preview"]["queued_ahead"] >= 1
    assert shown["entries"][0]["balance_after"] == 0
    assert idle_caller.balance(wallet) == 0


def test_a_key_is_not_read(caller: Caller, wallets: tuple[str, str]) -> None:
    source, destination = wallets
    key = new_key()
    caller.applied(caller.transfer(source, destination, 30, key=key))
    body = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": 1}

    answers = [preview(caller, "/v1/transfers", body, key=one) for one in (None, key, "two words", new_key())]

    assert [answer.status for answer in answers] == [200] * 4
    assert all("idempotent-replayed" not in answer.headers for answer in answers)


def test_preview_false_is_an_ordinary_call(caller: Caller, wallets: tuple[str, str]) -> None:
    body = {"wallet_id": wallets[0], "amount": 7}

    answer = caller.post("/v1/deposits?preview=false", body, key=new_key())

    assert answer.status in {200, 202}
    assert caller.applied(answer)["amount"] == 7
    assert caller.post("/v1/withdrawals?preview=false", body).code == "idempotency_key_missing"


QUERIES = (
    "preview",
    "preview=",
    "preview=1",
    "preview=True",
    "preview=true&preview=true",
    "preview=true&x=1",
    "x=1",
    "&preview=true",
)


@pytest.mark.parametrize("query", QUERIES)
def test_another_query_is_refused(caller: Caller, wallets: tuple[str, str], query: str) -> None:
    held = caller.applied(caller.hold(wallets[0], wallets[1], 5))["id"]
    paths = ("/v1/deposits", "/v1/withdrawals", "/v1/transfers", "/v1/holds", f"/v1/transfers/{held}/release")

    answers = [caller.post(f"{path}?{query}", {"wallet_id": wallets[0], "amount": 1}, key=new_key()) for path in paths]

    assert [(answer.status, answer.code) for answer in answers] == [(400, "invalid_parameter")] * len(paths)


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_batch_has_no_preview(caller: Caller, wallets: tuple[str, str], value: str) -> None:
    item = {"source_wallet_id": wallets[0], "destination_wallet_id": wallets[1], "amount": 1, "idempotency_key": new_key()}

    answer = caller.post(f"/v1/transfers/batch?preview={value}", {"transfers": [item]})

    assert (answer.status, answer.code) == (400, "invalid_parameter")


def test_the_door_is_that_of_the_verb(caller: Caller, as_client: AsClient, count_stored: Count) -> None:
    """A preview tells nothing that a submission would not."""
    ada, bob = caller.new_client(), caller.new_client()
    adas, own, other = as_client(ada), ada["wallet"]["id"], bob["wallet"]["id"]
    caller.applied(caller.deposit(other, 100))
    paid = caller.applied(caller.transfer(other, caller.new_wallet(), 10))["id"]
    between = {"source_wallet_id": other, "destination_wallet_id": own, "amount": 1}
    nobody, before = Caller(caller.url, key=None), count_stored()

    answers = [
        preview(adas, "/v1/deposits", {"wallet_id": own, "amount": 1}),
        preview(adas, "/v1/transfers", between),
        preview(adas, "/v1/holds", between),
        preview(adas, f"/v1/transfers/{paid}/reverse", {}),
        preview(adas, "/v1/transfers", {**between, "source_wallet_id": own, "amount": 0}),
        preview(caller, f"/v1/transfers/{paid}/capture", {}),
        preview(nobody, "/v1/transfers", between),
    ]
    nobody.close()

    assert [(answer.status, answer.code) for answer in answers] == [
        (403, "forbidden"),
        (422, "validation_failed"),
        (422, "validation_failed"),
        (404, "not_found"),
        (422, "validation_failed"),
        (409, "not_a_hold"),
        (401, "unauthorized"),
    ]
    assert answers[1].field_codes == answers[2].field_codes == {"/source_wallet_id": "wallet_not_found"}
    assert count_stored() == before


def test_a_client_sees_its_own_entries_alone(caller: Caller, as_client: AsClient) -> None:
    ada = caller.new_client()
    own, other = ada["wallet"]["id"], caller.new_wallet()
    caller.applied(caller.deposit(own, 10))

    shown = preview(as_client(ada), "/v1/transfers", {"source_wallet_id": own, "destination_wallet_id": other, "amount": 4}).body

    assert [entry["wallet_id"] for entry in shown["entries"]] == [own]
