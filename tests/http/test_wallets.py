"""Wallets and their history: every entry, with running balances and no gap."""

import itertools

from core import ids
from core.ids import Prefix
from tests.caller import Caller


def test_a_wallet_has_exactly_the_fields_of_the_contract(caller: Caller) -> None:
    client = caller.new_client()

    answer = caller.get(f"/v1/wallets/{client['wallet']['id']}")

    assert answer.status == 200
    assert answer.body == client["wallet"]
    rules = {"status", "frozen", "limits", "usage"}
    numbers = {"balance", "held", "available", "version", "minor_unit"}
    assert set(answer.body) == {"id", "client_id", "currency", *numbers, *rules, "created_at"}


def test_a_wallets_history_holds_both_sides_of_a_transfer(caller: Caller) -> None:
    source, destination = caller.new_wallet(100), caller.new_wallet()
    final = caller.wait_final(caller.transfer(source, destination, 30, reference="rent").body["id"])

    debit = caller.get(f"/v1/wallets/{source}/entries").body["data"][0]
    [credit] = caller.get(f"/v1/wallets/{destination}/entries").body["data"]

    same = {"transfer_id": final["id"], "type": "transfer", "reference": "rent", "created_at": debit["created_at"]}
    assert debit == {
        **same,
        "wallet_id": source,
        "version": 2,
        "amount": -30,
        "balance_after": 70,
        "counterparty_wallet_id": destination,
    }
    assert credit == {
        **same,
        "wallet_id": destination,
        "version": 1,
        "amount": 30,
        "balance_after": 30,
        "counterparty_wallet_id": source,
        "created_at": credit["created_at"],
    }


def test_a_deposits_entry_names_no_counterparty(caller: Caller) -> None:
    wallet = caller.new_wallet()
    final = caller.wait_final(caller.deposit(wallet, 5).body["id"])

    answer = caller.get(f"/v1/wallets/{wallet}/entries")

    [entry] = answer.body["data"]
    assert entry == {
        "wallet_id": wallet,
        "version": 1,
        "transfer_id": final["id"],
        "type": "deposit",
        "amount": 5,
        "balance_after": 5,
        "counterparty_wallet_id": None,
        "reference": None,
        "created_at": entry["created_at"],
    }


def test_a_history_runs_from_the_newest_entry_to_the_first_without_a_gap(caller: Caller) -> None:
    wallet, other = caller.new_wallet(1000), caller.new_wallet()
    sent = [caller.transfer(wallet, other, amount) for amount in range(1, 8)]
    sent += [caller.deposit(wallet, 50), caller.transfer(wallet, other, 10_000)]  # the last one is rejected: no entry
    for answer in sent:
        caller.wait_final(answer.body["id"])

    entries = caller.get(f"/v1/wallets/{wallet}/entries?limit=100").body["data"]

    assert [entry["version"] for entry in entries] == list(range(9, 0, -1))
    oldest_first = entries[::-1]
    assert [entry["balance_after"] for entry in oldest_first] == list(itertools.accumulate(e["amount"] for e in oldest_first))
    assert entries[0]["balance_after"] == caller.balance(wallet) == 1000 - 28 + 50


def test_a_new_wallets_history_is_empty(caller: Caller) -> None:
    answer = caller.get(f"/v1/wallets/{caller.new_wallet()}/entries")

    assert (answer.status, answer.body) == (200, {"data": [], "has_more": False, "next_cursor": None})


def test_what_is_no_wallets_id_is_not_found(caller: Caller) -> None:
    client = caller.new_client()
    wallet = client["wallet"]["id"]
    others = [ids.text(Prefix.WALLET, ids.mint()), client["id"], wallet.upper(), f"{{{wallet}}}", "wal_" + "0" * 26, wallet + "%00"]

    for id in others:
        for path in (f"/v1/wallets/{id}", f"/v1/wallets/{id}/entries"):
            answer = caller.get(path)
            assert (answer.status, answer.code) == (404, "not_found"), path
