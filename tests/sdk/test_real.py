"""Every SDK beside a real system: all operations, batches of any length, the feed, and each answer as the API has sent it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.hooks import fan_out_at
from tests.sdk.bad_network import BadNetwork
from tests.sdk.document import openapi
from tests.sdk.drivers import Driver
from tests.system import System

ITEMS = 2345
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ID = re.compile(r"(?<=/)[a-z]{3}_[0-9a-z]{26}")

# Operations for which the SDKs have no function yet. `request` and `submit` reach them.
WITHOUT_FUNCTION: set[tuple[str, str]] = set()


class Session:
    """Calls of one driver to the shared system, and the operations that they have reached."""

    def __init__(self, driver: Driver, url: str) -> None:
        self._driver = driver
        self._url = url
        self.reached: set[tuple[str, str]] = set()

    def __call__(self, call: str, **args: Any) -> Any:
        answer = self._driver.call(self._url, call, args, key=OPERATOR_KEY)
        self.reached |= {(each["method"], ID.sub("{}", each["path"])) for each in answer["hook"]}
        assert "ok" in answer, (call, answer)
        return answer["ok"]

    def moved(self, call: str, **args: Any) -> Any:
        transfer = self(call, key=new_key(), wait=20, **args)
        assert transfer["status"] == "applied", transfer
        return transfer


@pytest.fixture
def teller(driver: Driver, caller: Caller) -> Session:
    return Session(driver, caller.url)


def operations() -> set[tuple[str, str]]:
    return {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, methods in openapi()["paths"].items()
        if path.startswith("/v1/")
        for method in methods
    }


def test_each_operation_has_a_function_that_works(teller: Session, shared_system: System) -> None:
    ada, bob = (teller("clients.create", name=name, external_id=new_key()) for name in ("Ada", "Bob"))
    wallet, other = ada["wallet"]["id"], bob["wallet"]["id"]
    assert teller("clients.get", id=ada["id"]) == ada
    assert teller("clients.list", external_id=ada["external_id"]) == [ada]

    teller.moved("deposits.create", wallet=wallet, amount=5000)
    sent = teller.moved("transfers.create", source=wallet, destination=other, amount=1050, callback_url="https://example.com/hook")
    teller.moved("transfers.reverse", id=sent["id"], amount=50)
    teller.moved("withdrawals.create", wallet=other, amount=100, metadata={"iban": "x"})
    hold = teller.moved("holds.create", source=wallet, destination=other, amount=500)
    assert [each["id"] for each in teller("wallets.holds", id=wallet)] == [hold["id"]]
    teller.moved("holds.capture", id=hold["id"], amount=200)
    teller.moved("holds.release", id=hold["id"])
    later = teller(
        "transfers.create", source=wallet, destination=other, amount=1, key=new_key(), scheduled_for=(NOW + DAY).isoformat()
    )
    assert teller("transfers.cancel", id=later["id"])["status"] == "canceled"
    assert teller("wallets.get", id=other)["balance"] == 1050 - 50 - 100 + 200
    assert [entry["amount"] for entry in teller("wallets.entries", id=other)] == [200, -100, -50, 1050]
    assert {each["id"] for each in teller("transfers.list", wallet=other)} >= {sent["id"], hold["id"]}
    assert teller("transfers.get", id=sent["id"])["reversed_amount"] == 50
    fees = teller("clients.create", name="Fees", external_id=new_key())["wallet"]["id"]
    credits = [{"wallet_id": other, "amount": 1}, {"wallet_id": fees, "amount": 2}]
    assert len(teller.moved("transfers.split", debits=[{"wallet_id": wallet, "amount": 3}], credits=credits)["credits"]) == 2
    check_rules_and_statements(teller, ada["id"], wallet, other)
    assert len(teller("transfers.create_many", items=[item(wallet, other, new_key())])) == 1

    event = teller("events.get", id=sent["id"].replace("trf_", "evt_"))
    assert event["data"]["id"] == sent["id"]
    assert teller("events.follow", after=event["id"], take=1)[0]["id"] != event["id"]

    key = teller("keys.create", client=ada["id"])
    assert [each["id"] for each in teller("keys.list", client=ada["id"])] == [key["id"]]
    teller("keys.revoke", id=key["id"])
    check_finding(teller, ada, sent)
    check_operations(teller)

    endpoint = teller("webhook_endpoints.create", url="https://example.com/hook")
    assert endpoint["secret"].startswith("whsec_")
    assert teller("webhook_endpoints.update", id=endpoint["id"], description="d")["description"] == "d"
    assert teller("webhook_endpoints.get", id=endpoint["id"])["description"] == "d"
    assert endpoint["id"] in {each["id"] for each in teller("webhook_endpoints.list")}
    teller("webhook_endpoints.rotate_secret", id=endpoint["id"])
    teller("webhook_endpoints.deliveries", id=endpoint["id"])
    assert teller("webhook_endpoints.redeliver", id=endpoint["id"], since="2026-01-31T09:30:00+00:00") == 0
    teller("webhook_endpoints.delete", id=endpoint["id"])
    teller("webhooks.rotate_secret")
    teller("webhooks.secret")
    fan_out_at(shared_system.database_url)
    [delivery] = [each for each in teller("transfers.deliveries", id=sent["id"]) if each["callback_url"]]
    assert teller("webhooks.redeliver", delivery=delivery["id"])["status"] == "pending"

    assert operations() - teller.reached == WITHOUT_FUNCTION


def check_finding(teller: Session, client: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
    """Check the filters of lists, the search, and what a client's name was."""
    name = f"Eve {new_key()}"
    changed = teller("clients.update", id=client["id"], name=name, metadata={"plan": "gold"}, reason="married")
    assert (changed["name"], changed["metadata"]) == (name, {"plan": "gold"})
    [change] = teller("clients.changes", id=client["id"])
    assert (change["before"]["name"], change["after"]["name"], change["reason"]) == ("Ada", name, "married")
    assert [each["id"] for each in teller("clients.list", name=name.upper())] == [client["id"]]
    day = {"created_from": (NOW - DAY).date().isoformat(), "created_to": (NOW + 2 * DAY).date().isoformat()}
    found = teller("transfers.list", client_id=client["id"], amount=sent["amount"], type="transfer", **day)
    assert [each["id"] for each in found] == [sent["id"]]
    for text in (sent["id"], sent["idempotency_key"]):
        assert [each["id"] for each in teller("search", text=text)["transfers"]] == [sent["id"]]
    event = sent["id"].replace("trf_", "evt_")
    assert [each["type"] for each in teller("search", text=event)["events"]] == ["transfer.applied"]


def check_operations(teller: Session) -> None:
    viewer = teller("keys.create_viewer", name="support")
    assert (viewer["role"], viewer["name"], viewer["client_id"]) == ("viewer", "support", None)
    assert viewer["id"] in {each["id"] for each in teller("keys.list", take=20)}
    teller("keys.revoke", id=viewer["id"])
    assert teller("ops.queue")["limit"] > 0
    assert "worker" in {each["kind"] for each in teller("ops.processes")["processes"]}
    assert teller("ops.database")["connections"]["used"] > 0
    assert "TELLER_BACKLOG_MAX" in {each["name"] for each in teller("ops.settings")["settings"]}


def check_rules_and_statements(teller: Session, client: str, wallet: str, other: str) -> None:
    assert teller("wallets.update", id=other, frozen="debits", limits={"debit_max": 7}, reason="r")["frozen"] == "debits"
    assert teller("wallets.update", id=other, frozen=None, reason="r")["limits"]["debit_max"] == 7
    assert [each["after"]["frozen"] for each in teller("wallets.changes", id=other)] == [None, "debits"]

    euros = teller("wallets.create", client=client, currency="EUR", key=new_key())
    assert [each["id"] for each in teller("clients.get", id=client)["wallets"]] == [wallet, euros["id"]]
    preview = teller("preview", path=f"/v1/wallets/{euros['id']}/close")
    assert (preview["id"], preview["status"]) == (None, "applied")
    assert teller.moved("wallets.close", id=euros["id"])["type"] == "closure"

    yesterday, day_after = (NOW - DAY).date().isoformat(), (NOW + 2 * DAY).date().isoformat()
    period = {"since": yesterday, "until": day_after}
    statement = teller("wallets.statement", id=other, **period)
    assert statement["from"] == f"{yesterday}T00:00:00.000000Z"
    assert len(statement["data"]) == 5
    assert statement["data"] == list(reversed(teller("wallets.entries", id=other, **period)))
    assert teller("wallets.balance", id=other, at=yesterday)["balance"] == 0


def item(source: str, destination: str, key: str) -> Mapping[str, Any]:
    return {"idempotency_key": key, "source_wallet_id": source, "destination_wallet_id": destination, "amount": 1}


def test_a_result_is_what_the_api_has_sent(teller: Session, caller: Caller) -> None:
    """Nothing is lost or changed on the way through the SDK's types."""
    wallet, other = caller.new_wallet(100), caller.new_wallet()
    rejected = teller("transfers.create", source=wallet, destination=other, amount=101, key=new_key(), wait=20)
    hold = teller.moved("holds.create", source=wallet, destination=other, amount=10)

    assert rejected["failure"]["code"] == "insufficient_funds"
    for transfer in (rejected, hold):
        path = f"/v1/transfers/{transfer['id']}"
        assert teller("transfers.get", id=transfer["id"]) == caller.get(path).body
        event = transfer["id"].replace("trf_", "evt_")
        assert teller("events.get", id=event) == caller.get(f"/v1/events/{event}").body


def test_a_batch_of_any_length_goes_out_in_thousands_through_a_bad_network(driver: Driver, caller: Caller) -> None:
    wallet, other = caller.new_wallet(ITEMS), caller.new_wallet()
    run = new_key()
    items = [item(wallet, other, f"{run}-{number}") for number in range(ITEMS)]
    items[1500] = {**items[1500], "amount": 0}

    with BadNetwork(caller.url, seed=7, badness=0.6) as network:
        options = {"read_timeout_s": 5, "backoff_s": 0.05}
        answer = driver.call(network.url, "transfers.create_many", {"items": items}, key=OPERATOR_KEY, options=options)

    results = answer["ok"]
    assert len(results) == ITEMS
    assert results[1500]["code"] == "validation_failed"
    others = [result["id"] for number, result in enumerate(results) if number != 1500]
    assert len(set(others)) == ITEMS - 1
    for number in (0, 999, 1000, 2000, ITEMS - 1):
        [stored] = caller.get(f"/v1/transfers?idempotency_key={run}-{number}").body["data"]
        assert stored["id"] == results[number]["id"]
    assert sum(each["status"] == 200 for each in answer["hook"]) == 3
    caller.wait_final(results[-1]["id"])
    assert caller.balance(other) == ITEMS - 1
