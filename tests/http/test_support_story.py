"""A customer says "I paid, and it is not there": a viewer answers it by HTTP alone, and an operator puts right what is wrong.

Each step asks for what an answer before it showed, or for what the customer says: a name, a reference.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg
import pytest

from tests.caller import Caller, new_key
from tests.databases import Databases
from tests.hooks import fan_out_at
from tests.http.conftest import AsClient
from tests.system import System

Row = dict[str, Any]


class Told(NamedTuple):
    """All that the customer tells: how the name begins, and the references of its payments."""

    name: str
    paid: str
    refused: str
    waiting: str
    planned: str


@pytest.fixture
def viewer(caller: Caller) -> Iterator[Caller]:
    made = caller.post("/v1/keys", {"role": "viewer", "name": "support"})
    with closing(Caller(caller.url, made.body["key"])) as viewer:
        yield viewer


@pytest.fixture
def told(caller: Caller, as_client: AsClient, shared_system: System, shared_database: psycopg.Connection[Any]) -> Told:
    """A bakery whose shop has paid once, was refused once, and pays again tomorrow; its server answered the webhooks with 500."""
    mark = new_key()[:12]
    told = Told(f"{mark} lovelace", *(f"inv-{mark}-{number}" for number in range(4)))
    bakery = caller.new_client(f"{mark} Lovelace Bakrey")
    wallet, payee = bakery["wallet"]["id"], caller.new_wallet()
    caller.applied(caller.deposit(wallet, 5150))
    as_client(bakery).post("/v1/webhook-endpoints", {"url": "https://bakery.example.com/hook"})
    made = caller.post(f"/v1/clients/{bakery['id']}/keys", {"name": "web shop"})
    with closing(Caller(caller.url, made.body["key"])) as shop:
        shop.applied(shop.transfer(wallet, payee, 1200, reference=told.paid))
        shop.wait_final(shop.transfer(wallet, payee, 999_999, reference=told.refused).body["id"])
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        shop.transfer(wallet, payee, 700, reference=told.planned, scheduled_for=tomorrow)
    fan_out_at(shared_system.database_url)
    shared_database.execute(
        "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_ms, status_code)"
        " SELECT id, 1, now(), 12, 500 FROM deliveries WHERE owner = %s",
        [bakery["id"]],
    )
    return told


@contextmanager
def no_worker_drains(databases: Databases, system: System) -> Iterator[None]:
    """Hold all shards, as a worker that hangs does: what is accepted stays queued."""
    with psycopg.connect(databases.owner_url(system.database_url)) as connection:
        connection.execute("SELECT FROM shards FOR UPDATE")
        yield


def find(caller: Caller, text: str) -> Row:
    answer = caller.get(f"/v1/search?{urlencode({'q': text})}")
    assert answer.status == 200, answer
    found: Row = answer.body
    return found


def read(caller: Caller, path: str) -> Any:
    answer = caller.get(path)
    assert answer.status == 200, answer
    return answer.body


def test_support_answers_where_the_money_is_and_an_operator_puts_it_right(
    caller: Caller, viewer: Caller, told: Told, databases: Databases, shared_system: System
) -> None:
    [customer] = find(viewer, told.name)["clients"]
    [paid] = find(viewer, told.paid)["transfers"]
    assert (paid["status"], paid["source_wallet_id"]) == ("applied", customer["wallet"]["id"])

    says_whether_it_is_stuck(caller, viewer, paid, told.waiting, databases, shared_system)
    says_why_it_was_rejected_and_for_whom(viewer, told.refused, customer)
    says_what_the_customer_was_told(viewer, paid, customer)
    gives_the_customer_a_list(viewer, paid, customer)
    moves_and_changes_nothing(viewer, paid, customer)
    an_operator_puts_it_right(caller, viewer, paid, told, customer)


def says_whether_it_is_stuck(
    caller: Caller, viewer: Caller, paid: Row, reference: str, databases: Databases, system: System
) -> None:
    again = paid["source_wallet_id"], paid["destination_wallet_id"], 50
    with no_worker_drains(databases, system):
        first, second = caller.transfer(*again), caller.transfer(*again, reference=reference)
        [waiting] = find(viewer, reference)["transfers"]
        place = read(viewer, f"/v1/transfers/{waiting['id']}")
        assert (place["status"], place["queue"]["ahead"] >= 1, place["queue"]["oldest_seconds"] > 0) == ("queued", True, True)
        assert place["shard"] == waiting["shard"] is not None
    for answer in (first, second):
        caller.applied(answer)
    assert read(viewer, f"/v1/transfers/{waiting['id']}")["queue"] is None


def says_why_it_was_rejected_and_for_whom(viewer: Caller, reference: str, customer: Row) -> None:
    [rejected] = find(viewer, reference)["transfers"]
    failure = rejected["failure"]
    assert (failure["code"], failure["available"], failure["needed"]) == ("insufficient_funds", 3950, 999_999)
    [key] = find(viewer, rejected["submitted_by"])["keys"]
    assert (key["name"], key["client_id"], key["revoked_at"]) == ("web shop", customer["id"], None)
    assert find(viewer, rejected["idempotency_key"])["transfers"] == [rejected]


def says_what_the_customer_was_told(viewer: Caller, paid: Row, customer: Row) -> None:
    deliveries = read(viewer, f"/v1/transfers/{paid['id']}/deliveries?limit=100")["data"]
    [delivery] = [one for one in deliveries if one["client_id"] == customer["id"]]
    assert [(one["number"], one["status_code"], one["error"]) for one in delivery["attempts"]] == [(1, 500, None)]
    assert (delivery["status"], delivery["next_attempt_at"] is not None) == ("pending", True)
    [endpoint] = find(viewer, delivery["endpoint_id"])["webhook_endpoints"]
    assert (endpoint["url"], endpoint["status"]) == ("https://bakery.example.com/hook", "enabled")
    assert find(viewer, delivery["id"])["deliveries"] == [delivery]


def gives_the_customer_a_list(viewer: Caller, paid: Row, customer: Row) -> None:
    until = (datetime.fromisoformat(paid["finished_at"]) + timedelta(seconds=1)).isoformat()
    period = urlencode({"from": customer["created_at"], "to": until})
    path = f"/v1/wallets/{customer['wallet']['id']}/statement?{period}"
    document = viewer.get(path, headers={"Accept": "text/csv"})
    assert document.headers["content-type"].startswith("text/csv")
    assert paid["id"] in document.body
    assert paid["reference"] in document.body
    assert [one["amount"] for one in read(viewer, path)["data"]][:2] == [5150, -1200]


def moves_and_changes_nothing(viewer: Caller, paid: Row, customer: Row) -> None:
    assert viewer.reverse(paid["id"]).code == "forbidden"
    assert viewer.change_client(customer["id"], name="Eve").code == "forbidden"


def an_operator_puts_it_right(caller: Caller, viewer: Caller, paid: Row, told: Told, customer: Row) -> None:
    given_back = caller.applied(caller.reverse(paid["id"], amount=200, reference="paid twice"))
    [planned] = find(viewer, told.planned)["transfers"]
    assert planned["status"] == "scheduled"
    assert caller.cancel(planned["id"]).body["status"] == "canceled"
    renamed = caller.change_client(customer["id"], "a typing error", name=customer["name"].replace("Bakrey", "Bakery"))
    assert renamed.status == 200, renamed

    assert read(viewer, f"/v1/transfers/{paid['id']}")["reversed_amount"] == 200
    [reversal] = read(viewer, f"/v1/transfers?parent_id={paid['id']}")["data"]
    assert (reversal["id"], reversal["reference"]) == (given_back["id"], "paid twice")
    assert find(viewer, told.name)["clients"][0]["name"].endswith("Lovelace Bakery")
    assert read(viewer, f"/v1/clients/{customer['id']}/changes")["data"][0]["reason"] == "a typing error"
