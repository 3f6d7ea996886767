"""Transfers with several debits or credits over HTTP: splits, several payers, captures for several wallets, whole reversals."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.caller import Answer, Caller, new_key
from tests.hooks import fan_out_at
from tests.http.conftest import AsClient, Count
from tests.system import System

PREFER = {"Prefer": "wait=20"}
Amounts = dict[str, int]


def lines(amounts: Amounts) -> list[dict[str, Any]]:
    return [{"wallet_id": wallet, "amount": amount} for wallet, amount in amounts.items()]


def pay(caller: Caller, debits: Amounts, credits: Amounts, key: str | None = None, **fields: object) -> Answer:
    return caller.post("/v1/transfers", {"debits": lines(debits), "credits": lines(credits), **fields}, key=key or new_key())


def balances(caller: Caller, *wallets: str) -> list[int]:
    return [caller.balance(wallet) for wallet in wallets]


def outcome(caller: Caller, answer: Answer) -> tuple[str, str | None]:
    assert answer.status in {200, 202}, answer
    final = caller.wait_final(answer.body["id"])
    return final["status"], final["failure"] and final["failure"]["code"]


def test_a_split_pays_several_wallets_at_once(caller: Caller) -> None:
    payer, payee, fee = caller.new_wallet(1000), caller.new_wallet(), caller.new_wallet()

    accepted = pay(caller, {payer: 500}, {payee: 485, fee: 15}, reference="order 7")
    final = caller.wait_final(accepted.body["id"])

    assert (accepted.status, accepted.headers["location"]) == (202, f"/v1/transfers/{final['id']}")
    assert (accepted.body["type"], accepted.body["status"], accepted.body["amount"]) == ("transfer", "queued", 500)
    assert (accepted.body["source_wallet_id"], accepted.body["destination_wallet_id"]) == (None, None)
    assert (accepted.body["debits"], accepted.body["credits"]) == (lines({payer: 500}), lines({payee: 485, fee: 15}))
    assert {name for name in final if final[name] != accepted.body[name]} == {"status", "finished_at", "entries"}
    assert [(entry["wallet_id"], entry["amount"], entry["balance_after"]) for entry in final["entries"]] == [
        (payer, -500, 500),
        (payee, 485, 485),
        (fee, 15, 15),
    ]
    assert caller.get(f"/v1/events/{final['id'].replace('trf_', 'evt_')}").body["data"] == final
    [entry, _] = caller.get(f"/v1/wallets/{payer}/entries").body["data"]
    assert (entry["amount"], entry["counterparty_wallet_id"], entry["reference"]) == (-500, None, "order 7")


def test_it_is_applied_whole_or_not_at_all(caller: Caller) -> None:
    a, b, c = caller.new_wallet(100), caller.new_wallet(10), caller.new_wallet()

    assert outcome(caller, pay(caller, {a: 50, b: 11}, {c: 61})) == ("rejected", "insufficient_funds")
    assert balances(caller, a, b, c) == [100, 10, 0]
    assert outcome(caller, pay(caller, {a: 50, b: 10}, {c: 60})) == ("applied", None)
    assert balances(caller, a, b, c) == [50, 0, 60]


def test_32_lines_are_taken(caller: Caller) -> None:
    payer, payees = caller.new_wallet(31), [caller.new_wallet() for _ in range(31)]

    final = caller.applied(pay(caller, {payer: 31}, dict.fromkeys(payees, 1)))

    assert [entry["wallet_id"] for entry in final["entries"]] == [payer, *payees]
    assert balances(caller, payer, payees[0], payees[30]) == [0, 1, 1]


def test_a_repetition_is_replayed_and_another_order_of_lines_is_another_request(caller: Caller, count_stored: Count) -> None:
    payer, payee, fee, key = caller.new_wallet(100), caller.new_wallet(), caller.new_wallet(), new_key()
    first = caller.applied(pay(caller, {payer: 3}, {payee: 2, fee: 1}, key))
    before = count_stored()

    again = pay(caller, {payer: 3}, {payee: 2, fee: 1}, key)

    assert (again.status, again.headers["idempotent-replayed"], again.body) == (200, "true", first)
    assert pay(caller, {payer: 3}, {fee: 1, payee: 2}, key).code == "idempotency_key_reused"
    assert pay(caller, {payer: 3}, {payee: 1, fee: 2}, key).code == "idempotency_key_reused"
    assert caller.transfer(payer, payee, 3, key).code == "idempotency_key_reused"
    assert count_stored() == before


def test_a_client_splits_what_is_its_own_and_debits_no_other_wallet(caller: Caller, as_client: AsClient) -> None:
    ada, ben = caller.new_client(), caller.new_client()
    own, bens, fee = ada["wallet"]["id"], ben["wallet"]["id"], caller.new_wallet()
    caller.applied(caller.deposit(own, 100))
    caller.applied(caller.deposit(bens, 100))
    adas = as_client(ada)

    final = adas.applied(pay(adas, {own: 30}, {bens: 20, fee: 10}))
    assert (final["debits"], final["credits"], final["amount"]) == (lines({own: 30}), [], 30)
    assert [entry["wallet_id"] for entry in final["entries"]] == [own]

    refused = pay(adas, {bens: 30}, {own: 20, fee: 10})
    both = pay(adas, {own: 10, bens: 20}, {fee: 30})
    absent = pay(adas, {"wal_01h455vb4pex5vsknk084sn02q": 30}, {own: 20, fee: 10})
    assert refused.field_codes == absent.field_codes == {"/debits/0/wallet_id": "wallet_not_found"}
    assert both.field_codes == {"/debits/1/wallet_id": "wallet_not_found"}
    assert balances(caller, own, bens, fee) == [70, 120, 10]


def test_each_party_sees_its_own_lines_alone(caller: Caller, as_client: AsClient, shared_system: System) -> None:
    clients = [caller.new_client() for _ in range(5)]
    wallets = [client["wallet"]["id"] for client in clients]
    as_clients = [as_client(client) for client in clients]
    a, b, c, d, _ = wallets
    caller.applied(caller.deposit(a, 100))
    caller.applied(caller.deposit(b, 100))
    hooks = [one.post("/v1/webhook-endpoints", {"url": "https://example.com/hook"}).body["id"] for one in as_clients]

    final = caller.applied(pay(caller, {a: 30, b: 20}, {c: 5, d: 45}))
    fan_out_at(shared_system.database_url)

    own = {a: ({a: 30}, {}, 30), b: ({b: 20}, {}, 20), c: ({}, {c: 5}, 5), d: ({}, {d: 45}, 45)}
    for wallet, one, hook in zip(wallets, as_clients, hooks, strict=True):
        listed = [row for row in one.get("/v1/transfers?type=transfer").body["data"] if row["id"] == final["id"]]
        events = [row["data"] for row in one.get("/v1/events").body["data"] if row["data"]["id"] == final["id"]]
        delivered = [row["transfer_id"] for row in one.get(f"/v1/webhook-endpoints/{hook}/deliveries").body["data"]]
        if wallet not in own:
            assert one.get(f"/v1/transfers/{final['id']}").code == "not_found"
            assert (listed, events, delivered) == ([], [], [])
            continue
        debits, credits, amount = own[wallet]
        shown = {
            **final,
            "debits": lines(debits),
            "credits": lines(credits),
            "amount": amount,
            "entries": [entry for entry in final["entries"] if entry["wallet_id"] == wallet],
            **dict.fromkeys(("idempotency_key", "submitted_by", "shard")),  # an operator submitted it
        }
        assert one.get(f"/v1/transfers/{final['id']}").body == shown
        assert listed == events == [shown]
        assert final["id"] in delivered
        assert caller.get(f"/v1/transfers?wallet_id={wallet}&type=transfer").body["data"] == [final]


def test_a_capture_pays_several_wallets(caller: Caller, as_client: AsClient) -> None:
    payer, payee, fee, other = caller.new_wallet(100), caller.new_client(), caller.new_wallet(), caller.new_wallet()
    payees = payee["wallet"]["id"]
    hold = caller.applied(caller.hold(payer, payees, 80))["id"]

    final = caller.applied(caller.capture(hold, credits=lines({payees: 40, fee: 10}), amount=50))
    assert (final["parent_id"], final["amount"], final["source_wallet_id"]) == (hold, 50, None)
    assert (final["debits"], final["credits"]) == (lines({payer: 50}), lines({payees: 40, fee: 10}))
    [seen] = as_client(payee).get(f"/v1/transfers?parent_id={hold}").body["data"]
    assert (seen["id"], seen["amount"], seen["debits"]) == (final["id"], 40, [])

    two = caller.applied(caller.capture(hold, credits=lines({other: 5}), final=True))
    assert (two["source_wallet_id"], two["destination_wallet_id"], two["debits"], two["credits"]) == (payer, other, None, None)
    assert as_client(payee).get(f"/v1/transfers/{two['id']}").code == "not_found"
    assert balances(caller, payer, payees, fee, other) == [45, 40, 10, 5]
    assert caller.get(f"/v1/transfers/{hold}").body["hold"]["released_amount"] == 25


def test_a_capture_of_a_payout_may_pay_wallets_instead(caller: Caller) -> None:
    payer, fee, other = caller.new_wallet(100), caller.new_wallet(), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, None, 80))["id"]

    caller.applied(caller.capture(hold, credits=lines({fee: 1, other: 2})))
    caller.applied(caller.capture(hold, amount=7))

    assert balances(caller, payer, fee, other) == [90, 1, 2]


def test_a_capture_for_the_payee_alone_is_an_ordinary_one(caller: Caller) -> None:
    payer, payee = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 80))["id"]

    final = caller.applied(caller.capture(hold, credits=lines({payee: 30})))

    assert (final["source_wallet_id"], final["destination_wallet_id"], final["amount"]) == (payer, payee, 30)
    assert caller.applied(caller.reverse(final["id"], amount=10))["amount"] == 10


def test_credits_of_a_capture_are_for_operators_and_fit_the_hold(caller: Caller, as_client: AsClient) -> None:
    payer, payee, fee = caller.new_wallet(100), caller.new_client(), caller.new_wallet()
    payees = payee["wallet"]["id"]
    hold = caller.applied(caller.hold(payer, payees, 80))["id"]

    assert as_client(payee).capture(hold, credits=lines({payees: 10})).code == "forbidden"
    assert as_client(payee).capture(hold, credits="x").code == "forbidden"
    assert caller.capture(hold, credits=lines({payees: 40, fee: 10}), amount=49).field_codes == {"/credits": "unbalanced"}
    assert caller.capture(hold, credits=lines({payer: 1})).field_codes == {"/credits/0/wallet_id": "duplicate_wallet"}
    unknown = caller.capture(hold, credits=lines({payees: 1, "wal_01h455vb4pex5vsknk084sn02q": 1}))
    assert unknown.field_codes == {"/credits/1/wallet_id": "wallet_not_found"}
    assert outcome(caller, caller.capture(hold, credits=lines({payees: 80, fee: 1}))) == ("rejected", "hold_exceeded")
    assert balances(caller, payer, payees, fee) == [100, 0, 0]


def test_a_split_is_reversed_whole(caller: Caller) -> None:
    payer, payee, fee = caller.new_wallet(100), caller.new_wallet(), caller.new_wallet()
    split = caller.applied(pay(caller, {payer: 30}, {payee: 20, fee: 10}))["id"]

    for fields in ({"amount": 30}, {"up_to": True}):
        assert caller.reverse(split, **fields).field_codes == {f"/{name}": "unknown_field" for name in fields}
    back = caller.applied(caller.reverse(split))

    assert (back["amount"], back["debits"], back["credits"]) == (30, lines({payee: 20, fee: 10}), lines({payer: 30}))
    assert balances(caller, payer, payee, fee) == [100, 0, 0]
    assert caller.get(f"/v1/transfers/{split}").body["reversed_amount"] == 30
    assert outcome(caller, caller.reverse(split)) == ("rejected", "reversal_exceeded")
    assert caller.reverse(back["id"]).code == "not_reversible"


def test_a_reversal_needs_the_funds_of_each_wallet_that_gives_back(caller: Caller) -> None:
    payer, payee, fee = caller.new_wallet(100), caller.new_wallet(), caller.new_wallet()
    split = caller.applied(pay(caller, {payer: 30}, {payee: 20, fee: 10}))["id"]
    caller.applied(caller.transfer(fee, payee, 1))

    assert outcome(caller, caller.reverse(split)) == ("rejected", "insufficient_funds")

    assert balances(caller, payer, payee, fee) == [70, 21, 9]


def test_a_client_reverses_what_was_for_its_wallet_alone(caller: Caller, as_client: AsClient) -> None:
    ada, payer, other = caller.new_client(), caller.new_wallet(100), caller.new_wallet(100)
    adas, own = as_client(ada), ada["wallet"]["id"]
    shared = caller.applied(pay(caller, {payer: 30}, {own: 20, other: 10}))["id"]
    alone = caller.applied(pay(caller, {payer: 10, other: 5}, {own: 15}))["id"]

    assert adas.reverse(shared).code == "forbidden"
    back = adas.applied(adas.reverse(alone))

    assert (back["amount"], back["debits"], back["credits"]) == (15, lines({own: 15}), [])
    assert balances(caller, payer, own, other) == [70, 20, 110]


@pytest.mark.parametrize("who", ["submitter", "operator"])
def test_a_scheduled_one_is_canceled_whole(caller: Caller, as_client: AsClient, who: str) -> None:
    ada, payee, fee = caller.new_client(), caller.new_client(), caller.new_wallet()
    own, payees = ada["wallet"]["id"], payee["wallet"]["id"]
    caller.applied(caller.deposit(own, 100))
    adas = as_client(ada)
    placed = pay(adas, {own: 30}, {payees: 20, fee: 10}, scheduled_for=(datetime.now(UTC) + timedelta(days=1)).isoformat()).body
    assert placed["status"] == "scheduled"

    assert as_client(payee).cancel(placed["id"]).code == "forbidden"
    canceled = (adas if who == "submitter" else caller).cancel(placed["id"])

    assert (canceled.status, canceled.body["status"]) == (200, "canceled")
    assert as_client(payee).get(f"/v1/transfers/{placed['id']}").body["status"] == "canceled"
    assert balances(caller, own, payees, fee) == [100, 0, 0]


def test_items_of_a_batch_have_lines_as_their_own_routes_do(caller: Caller) -> None:
    payer, payee, fee = caller.new_wallet(1000), caller.new_wallet(), caller.new_wallet()
    hold = caller.applied(caller.hold(payer, payee, 80))["id"]
    split = caller.applied(pay(caller, {payer: 30}, {payee: 20, fee: 10}))["id"]
    legs = {"debits": lines({payer: 3}), "credits": lines({payee: 2, fee: 1})}
    items: list[dict[str, Any]] = [
        legs,
        {**legs, "type": "transfer"},
        {"type": "capture", "parent_id": hold, "credits": lines({payee: 5, fee: 6})},
        {"type": "reversal", "parent_id": split},
        {**legs, "amount": 3},
        {**legs, "debits": lines({payer: 4})},
        {"type": "reversal", "parent_id": split, "amount": 1},
        {"type": "hold", **legs},
        {"source_wallet_id": payer, "destination_wallet_id": payee, "amount": 1},
    ]

    sent = {"transfers": [{"idempotency_key": new_key(), **one} for one in items]}
    results = caller.post("/v1/transfers/batch", sent, headers=PREFER).body["results"]

    assert [result["status"] for result in results] == [202, 202, 202, 202, 422, 422, 422, 422, 202]
    for result in results:
        if result["status"] == 202:
            caller.applied(Answer(202, {}, result["transfer"]))
    assert balances(caller, payer, payee, fee) == [1000 - 6 - 11 - 1, 4 + 5 + 1, 2 + 6]
