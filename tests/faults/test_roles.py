"""A whole system of three roles does all its work, and each process is refused what is another's."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from core.admin import checkpoint
from core.admin.audit import audit
from core.admin.migrate import migrate
from core.admin.since import Depth, audit_since
from core.settings import Settings
from local.redis import Redis
from tests.caller import new_key
from tests.databases import Databases, with_role
from tests.faults.lasting import APPLY, SWEEP, end, running
from tests.receivers import answer, receiving_beside
from tests.system import System
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def urls(databases: Databases) -> dict[str, str]:
    """Of one database, for the roles of its three kinds of process."""
    url = databases.empty()
    made = {
        "DATABASE_URL": url,
        "TELLER_WORKER_DATABASE_URL": with_role(url, databases.new_role(), "of-workers"),
        "TELLER_DELIVERER_DATABASE_URL": with_role(url, databases.new_role(), "of-deliverers"),
    }
    migrate(
        Settings.model_validate({**made, "TELLER_ADMIN_DATABASE_URL": databases.owner_url(url), "TELLER_OPERATOR_KEY": "k" * 40})
    )
    return made


@pytest.fixture(scope="module")
def system(urls: dict[str, str], module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Each process is given the URL of its own role, under the name that it has in containers."""
    system = System(tmp_path_factory.mktemp("logs"), urls["DATABASE_URL"], module_redis.url)
    system.start_api({"TELLER_WEBHOOK_ALLOW_PRIVATE": "true"})
    workers = {"DATABASE_URL": urls["TELLER_WORKER_DATABASE_URL"]}
    system.start("worker", "apply", environment=workers)
    system.start("worker", "sweep", environment=workers)
    system.start_deliverer({"DATABASE_URL": urls["TELLER_DELIVERER_DATABASE_URL"]})
    yield system
    system.close()


@pytest.mark.long
def test_a_system_of_three_roles_does_all_its_work(system: System, urls: dict[str, str]) -> None:
    caller = system.caller()
    with receiving_beside(answer("204 No Content")) as receiver:
        endpoint = caller.post("/v1/webhook-endpoints", {"url": receiver.url}).body["id"]
        ada, bob = caller.new_client(), caller.new_wallet()
        key = caller.post(f"/v1/clients/{ada['id']}/keys", None)
        assert key.status == 201
        wallet = ada["wallet"]["id"]
        assert caller.wait_final(caller.deposit(wallet, 10).body["id"])["status"] == "applied"
        assert caller.wait_final(caller.transfer(wallet, bob, 4).body["id"])["status"] == "applied"
        assert caller.wait_final(caller.transfer(wallet, bob, 40).body["id"])["status"] == "rejected"
        trail = f"/v1/webhook-endpoints/{endpoint}/deliveries?status=delivered"
        wait_for(lambda: len(caller.get(trail).body["data"]) == 3, "all three to be told")
        assert caller.request("DELETE", f"/v1/keys/{key.body['id']}").status == 204
        assert caller.get("/readyz").status == caller.get("/metrics").status == 200

    assert (caller.balance(wallet), caller.balance(bob)) == (6, 4)
    assert audit(urls["TELLER_WORKER_DATABASE_URL"]).clean
    assert "InsufficientPrivilege" not in system.logs()


def lines(**amounts: int) -> list[dict[str, object]]:
    return [{"wallet_id": wallet, "amount": amount} for wallet, amount in amounts.items()]


def test_three_roles_have_the_rights_of_all_verbs_and_of_their_previews(system: System, urls: dict[str, str]) -> None:
    caller = system.caller()
    ada, bob, eve = (caller.new_client(currency="JPY")["wallet"]["id"] for _ in range(3))
    worker = urls["TELLER_WORKER_DATABASE_URL"]
    caller.applied(caller.deposit(ada, 100, currency="JPY"))
    made, _ = checkpoint.make(worker, None)
    assert made is not None
    assert caller.change_wallet(ada, limits={"debits_per_day_max": 90}).status == 200
    held = caller.applied(caller.hold(ada, bob, 40, currency="JPY"))["id"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    split = {"debits": lines(**{ada: 20}), "credits": lines(**{bob: 15, eve: 5}), "currency": "JPY"}

    def preview_and_send(path: str, body: Mapping[str, object]) -> Any:
        foretold = caller.post(f"{path}?preview=true", body)
        final = caller.applied(caller.post(path, body, key=new_key()))
        shown = ("type", "status", "amount", "currency", "entries", "debits", "credits")
        assert (foretold.status, {name: foretold.body[name] for name in shown}) == (200, {name: final[name] for name in shown})
        return final

    paid = preview_and_send("/v1/transfers", split)["id"]
    preview_and_send(f"/v1/transfers/{held}/capture", {"credits": lines(**{bob: 10, eve: 3}), "currency": "JPY", "final": True})
    preview_and_send(f"/v1/transfers/{paid}/reverse", {})
    preview_and_send(f"/v1/wallets/{eve}/close", {"sweep_to_wallet_id": bob})
    preview_and_send(f"/v1/wallets/{bob}/close", {"sweep_outside": True})
    scheduled = caller.post("/v1/transfers", {**split, "scheduled_for": later}, key=new_key()).body["id"]
    assert caller.cancel(scheduled).body["status"] == "canceled"

    assert caller.get(f"/v1/wallets/{ada}").body["usage"] == {"debits_today": 33, "debits_this_month": 33}
    assert (caller.balance(ada), caller.balance(bob), caller.balance(eve)) == (87, 0, 0)
    assert audit(worker).clean
    assert audit_since(worker, made, Depth(full=True)).clean
    assert "InsufficientPrivilege" not in system.logs()


def test_a_process_with_anothers_role_delays_and_loses_nothing(system: System, urls: dict[str, str]) -> None:
    """As when the URLs are mixed up: a right that is missing is a fault, and never a verdict."""
    caller = system.caller()
    wallet = caller.new_wallet()
    end(*running(system, *APPLY), *running(system, *SWEEP))
    sent = caller.deposit(wallet, 7).body["id"]
    mixed_up = system.start("worker", "sweep", environment={"DATABASE_URL": urls["DATABASE_URL"]})
    wait_for(lambda: "42501" in system.logs(), "the sweeper to be refused")
    assert caller.get(f"/v1/transfers/{sent}").body["status"] == "queued"
    end(mixed_up)

    for argv in (APPLY, SWEEP):
        system.start(*argv, environment={"TELLER_WORKER_DATABASE_URL": urls["TELLER_WORKER_DATABASE_URL"]})

    assert caller.wait_final(sent)["status"] == "applied"
    with psycopg.connect(urls["TELLER_DELIVERER_DATABASE_URL"]) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT balance FROM wallets")
