"""Support's story, told at a terminal: "I paid invoice inv-4711 yesterday, I am customer cust-77, and it is not there."

Each step is one command, and what it prints is enough for the next one. The person holds a viewer's key, which moves nothing; what
puts things right is done with an operator's.
"""

import re
from typing import Any

import pytest

from tests.caller import Caller, new_key
from tests.cli.conftest import Teller, new_name


def wallet(client: Any) -> str:
    return str(client["wallet"]["id"])


@pytest.fixture
def viewer(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> Teller:
    """Call `teller` with a viewer's key."""
    key = teller("keys", "make", "--viewer", "--name", "support", "--json").json["key"]

    def call(*arguments: str) -> Any:
        return teller(*arguments, "--key", key)

    return call


def test_support_finds_out_where_the_money_is(teller: Teller, viewer: Teller, caller: Caller) -> None:
    customer, name, invoice, key = f"cust-{new_name()}", f"Müller {new_name()}", f"inv-{new_name()}", new_key()
    client = caller.new_client(name, external_id=customer)
    shop = caller.new_client("Shop")
    caller.applied(caller.deposit(wallet(client), 3950))
    rejected = caller.wait_final(caller.transfer(wallet(client), wallet(shop), 999999, key, reference=invoice).body["id"])

    # The customer is found by number, and by how the name begins.
    assert client["id"] in viewer("find", customer).out
    assert customer in viewer("find", name.lower()).out
    # The payment is found by the invoice, although no customer is known.
    found = viewer("find", invoice).out
    assert rejected["id"] in found
    assert "insufficient_funds" in found
    # Why it was rejected, with figures; who sent it, as its own logs name it.
    told = viewer("show", invoice).out
    assert "available 39.50 USD, needed 9,999.99 USD" in told
    assert re.search(rf"idempotency key +{key}", told)
    assert re.search(r"submitted by +configured", told)
    assert name in told
    # What else the customer did, and a list to send.
    listed = viewer("transfers", "list", "--client", customer, "--since", "1d").out
    assert rejected["id"] in listed
    assert "39.50" in viewer("wallets", "statement", customer, "--since", "1d").out

    # Support moves and changes nothing.
    for attempt in (["deposit", customer, "1", "--yes"], ["clients", "update", customer, "--name", "X", "--reason", "y"]):
        denied = viewer(*attempt)
        assert (denied.status, "forbidden" in denied.err) == (2, True)

    # An operator puts it right: the name, and the payment that follows.
    corrected = teller("clients", "update", customer, "--name", "Mueller", "--reason", "the bank's spelling", "--json")
    assert (corrected.status, corrected.json["name"]) == (0, "Mueller")
    assert f"name: {name} -> Mueller" in viewer("clients", "changes", customer).out
    assert teller("deposit", customer, "10000", "--yes").status == 0
    assert teller("transfer", customer, wallet(shop), "9999.99", "--reference", invoice, "--yes").status == 0
    both = viewer("show", invoice)
    assert (both.status, "several transfers" in both.err, rejected["id"] in both.err) == (2, True, True)


def test_an_operator_sees_what_waits_and_which_processes_run(viewer: Teller) -> None:
    waiting = viewer("queue")
    assert (waiting.status, re.match(r"\d+ queued of at most \d+", waiting.out) is not None) == (0, True)
    assert viewer("queue", "--json").json.keys() >= {"queued", "limit", "oldest_seconds", "shards"}
    assert len(viewer("queue", "--watch", "--times", "2", "--every", "0.1").out.splitlines()) >= 2
    live = viewer("top", "--times", "1")
    assert live.status == 0
    for seen in ("PostgreSQL", "connections", "worker", "TRANSFER"):
        assert seen in live.out
    assert viewer("top", "--times", "1", "--json").json.keys() == {"queue", "processes", "database"}


def test_all_keys_are_listed_with_their_names(teller: Teller, viewer: Teller) -> None:
    listed = viewer("keys", "list", "--limit", "100")
    assert (listed.status, "support" in listed.out, "viewer" in listed.out) == (0, True, True)
