"""What Prometheus reads: from an API, from several processes of one, and from workers."""

import os
import signal
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.metrics import COUNTED_BY, OF_ALL
from core.version import VERSION
from local.postgres import Postgres
from local.server import free_port
from tests.caller import OPERATOR_KEY, Answer, Caller, new_key
from tests.databases import Databases
from tests.http.conftest import NOWHERE
from tests.http.raw import connect
from tests.receivers import answer, hang, receiving_beside
from tests.system import System
from tests.waiting import wait_for

Samples = dict[str, float]

METRICS_KEY = "swordfish" * 4
SCRAPE_WITHIN_S = 15  # a machine under load; the scrape itself gives up on the database after two


def samples(text: str) -> Samples:
    """Each sample's value by its name and labels, as Prometheus writes them."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def scrape(caller: Caller) -> Samples:
    answer = caller.get("/metrics")
    assert answer.status == 200, answer
    return samples(answer.body)


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs: a zombie has ended, and its parent has not read its exit status."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def worker_port(own_system: System) -> int:
    """The metrics port of the one worker of a system of the test's own."""
    port = free_port()
    own_system.start_api()
    worker = own_system.start("worker", "apply", environment={"TELLER_METRICS_PORT": str(port)})
    own_system.wait_for_heartbeat(worker)
    return port


def grown(after: Samples, before: Samples) -> Samples:
    """What counters have grown by."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def test_what_is_accepted_replayed_and_refused_is_counted(idle_caller: Caller) -> None:
    wallet, other = idle_caller.new_wallet(), idle_caller.new_wallet()
    key = new_key()
    before = scrape(idle_caller)

    idle_caller.deposit(wallet, 5, key)
    idle_caller.deposit(wallet, 5, key)
    assert idle_caller.deposit(wallet, 6, key).status == 422
    items = [
        {"idempotency_key": new_key(), "source_wallet_id": wallet, "destination_wallet_id": other, "amount": 1} for _ in range(7)
    ]
    idle_caller.post("/v1/transfers/batch", {"transfers": items})
    assert idle_caller.get("/nothing").status == 404

    counted = grown(scrape(idle_caller), before)
    assert counted['teller_transfers_accepted_total{type="deposit"}'] == 1
    assert counted['teller_transfers_accepted_total{type="transfer"}'] == 7
    assert counted["teller_transfers_replayed_total"] == 1
    assert counted['teller_problems_total{code="idempotency_key_reused"}'] == 1
    assert counted['teller_problems_total{code="not_found"}'] == 1
    assert counted["teller_intake_batch_transfers_sum"] == 10
    assert counted["teller_intake_batch_transfers_count"] == counted["teller_intake_batch_seconds_count"] == 4
    assert sum(value for name, value in counted.items() if name.startswith("teller_queue_transfers")) == 8


def test_the_queue_is_shown_by_shard_as_it_is(own_system: System) -> None:
    own_system.start_api()
    caller = own_system.caller()
    for _ in range(3):
        caller.deposit(caller.new_wallet(), 5)

    shown = scrape(caller)
    depths = [value for name, value in shown.items() if name.startswith("teller_queue_transfers{")]
    ages = [value for name, value in shown.items() if name.startswith("teller_queue_oldest_seconds{")]
    assert (len(depths), sum(depths)) == (16, 3)
    assert len(ages) == 16
    assert 0 < max(ages) < 60
    assert all(age == 0 for age, depth in zip(ages, depths, strict=True) if not depth)
    assert [value for name, value in shown.items() if name.startswith("teller_due_oldest_seconds{")] == [0] * 16
    assert shown["teller_backlog_limit_transfers"] == 1_000_000


def test_what_is_due_is_shown_with_its_delay_while_no_sweeper_runs(own_system: System) -> None:
    own_system.start_api()
    caller = own_system.caller()
    soon = datetime.now(UTC) + timedelta(milliseconds=200)
    caller.withdraw(caller.new_wallet(), 5, scheduled_for=soon.isoformat())

    def delays() -> list[float]:
        return [value for name, value in scrape(caller).items() if name.startswith("teller_due_oldest_seconds{")]

    wait_for(lambda: 0 < max(delays()) < 60, "the delay of what is due")
    assert sum(delay > 0 for delay in delays()) == 1


def test_a_transaction_that_is_held_open_shows_for_how_long_it_has_held_the_feed(
    own_system: System, connection: psycopg.Connection[Any]
) -> None:
    own_system.start_api()
    caller = own_system.caller()

    def age_s() -> float:
        return scrape(caller)["teller_feed_horizon_age_seconds"]

    with connection.transaction():
        connection.execute("SELECT pg_current_xact_id()")
        caller.new_client()  # committed later than what is held open has begun
        wait_for(lambda: age_s() > 1.0, "the age of a transaction that is held open")
    wait_for(lambda: age_s() == 0.0, "a feed that nothing holds")


def test_outcomes_and_doorbells_are_counted(worker_port: int, own_system: System) -> None:
    caller, worker = own_system.caller(), Caller(f"http://127.0.0.1:{worker_port}")
    wallet, other = caller.new_wallet(5), caller.new_wallet()
    moved = caller.transfer(wallet, other, 9)
    assert caller.wait_final(moved.body["id"])["failure"]["code"] == "insufficient_funds"

    # The counters follow the COMMIT that the caller may have seen already.
    wait_for(lambda: scrape(worker)['teller_transfers_rejected_total{code="insufficient_funds"}'] == 1, "the rejection's count")
    counted = scrape(worker)
    assert counted["teller_transfers_applied_total"] == 1
    assert counted['teller_transfers_rejected_total{code="internal"}'] == 0
    assert counted["teller_drain_batch_transfers_sum"] == 2
    assert counted["teller_drain_batch_seconds_count"] == counted["teller_drain_batch_transfers_count"] >= 1
    assert counted[f'teller_build_info{{version="{VERSION}"}}'] == 1
    assert counted["process_resident_memory_bytes"] > 0
    wait_for(lambda: scrape(caller)['teller_doorbells_total{outcome="rung"}'] == 2, "both doorbells' count")
    assert scrape(caller)['teller_doorbells_total{outcome="lost"}'] == 0
    worker.close()


def families(port: int) -> set[str]:
    """The names of the metrics that a process shows, but for those of all processes."""
    with closing(Caller(f"http://127.0.0.1:{port}")) as caller:
        body = caller.get("/metrics").body
    names = {family.name for family in text_string_to_metric_families(body)}
    assert "teller_build_info" in names
    return {name for name in names if not name.startswith(OF_ALL)}


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_api_shows_what_it_counts_and_nothing_else(own_system: System, processes: str) -> None:
    own_system.start_api({"TELLER_API_PROCESSES": processes})

    measured = {"ready", "redis", "queue_transfers", "queue_oldest_seconds", "due_oldest_seconds", "backlog_limit_transfers"}
    shown = families(own_system.port) - {"teller_feed_horizon_age_seconds"} - {f"teller_{name}" for name in measured}
    assert shown == COUNTED_BY["api"]
    assert not shown & {"teller_transfers_applied", "teller_transfers_rejected", "teller_deliveries"}


@pytest.mark.parametrize("verb", ["apply", "sweep", "deliver"])
def test_a_worker_shows_what_it_counts_and_nothing_else(own_system: System, verb: str) -> None:
    port = free_port()
    process = own_system.start("worker", verb, environment={"TELLER_METRICS_PORT": str(port)})
    own_system.wait_for_heartbeat(process)

    assert families(port) == COUNTED_BY[verb]
    assert "teller_transfers_accepted" not in families(port)


def test_what_became_of_webhooks_is_counted(own_system: System) -> None:
    port = free_port()
    own_system.start_api({"TELLER_WEBHOOK_ALLOW_PRIVATE": "true"})
    own_system.start_workers(1)
    caller = own_system.caller()
    with (
        receiving_beside(answer("200 OK")) as good,
        receiving_beside(answer("404 Not Found")) as lost,
        receiving_beside(hang) as silent,
        closing(Caller(f"http://127.0.0.1:{port}")) as deliverer,
    ):
        process = own_system.start_deliverer({"TELLER_METRICS_PORT": str(port)})
        own_system.wait_for_heartbeat(process)
        for receiver in (good, lost, silent):
            assert caller.post("/v1/webhook-endpoints", {"url": receiver.url}).status == 201
        caller.deposit(caller.new_wallet(), 5)

        def counted() -> Samples | None:
            shown = scrape(deliverer)
            return shown if shown["teller_delivery_seconds_count"] == 2 and shown["teller_deliveries_in_flight"] == 1 else None

        shown = wait_for(counted, "two attempts that have ended, and one that has not")
        process.kill()
        process.wait()
    assert shown is not None
    assert {name: value for name, value in shown.items() if name.startswith("teller_deliveries_total") and value} == {
        'teller_deliveries_total{outcome="succeeded"}': 1,
        'teller_deliveries_total{outcome="4xx"}': 1,
    }


def test_a_doorbell_without_redis_is_lost(idle_caller: Caller) -> None:
    before = scrape(idle_caller)

    idle_caller.deposit(idle_caller.new_wallet(), 5)

    def lost() -> float:
        return grown(scrape(idle_caller), before).get('teller_doorbells_total{outcome="lost"}', 0)

    assert wait_for(lost, "a lost doorbell") == 1


def test_a_worker_works_also_where_its_port_is_taken(own_system: System) -> None:
    own_system.start_api()
    own_system.start("worker", "apply", environment={"TELLER_METRICS_PORT": str(own_system.port)})

    assert own_system.caller().new_wallet(5)
    assert "metrics are not served" in own_system.logs()


def test_waiting_requests_are_counted(idle_caller: Caller) -> None:
    queued = idle_caller.deposit(idle_caller.new_wallet(), 5).headers["location"]
    request = f"GET {queued} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {OPERATOR_KEY}\r\nPrefer: wait=30\r\n\r\n"

    with connect(idle_caller.url) as connection:
        connection.sendall(request.encode())
        wait_for(lambda: scrape(idle_caller)["teller_waiters"] == 1, "one waiting request")
    wait_for(lambda: scrape(idle_caller)["teller_waiters"] == 0, "no waiting request")
    assert scrape(idle_caller)['teller_database_connections{state="free"}'] >= 1


def test_a_metrics_key_shuts_out_all_other_keys(own_system: System) -> None:
    own_system.start_api({"TELLER_METRICS_KEY": METRICS_KEY})
    caller = own_system.caller()

    def ask(authorization: str) -> Answer:
        return caller.get("/metrics", headers={"Authorization": authorization} if authorization else {})

    assert ask(f"Bearer {METRICS_KEY}").status == 200
    wrong = (f"Bearer {METRICS_KEY[:-1]}", METRICS_KEY, "Bearer ", f"Basic {METRICS_KEY}")
    assert [ask(given).status for given in wrong] == [401] * 4
    assert caller.get("/metrics").status == 401  # the operator's
    with closing(Caller(own_system.url, key=None)) as stranger, closing(Caller(own_system.url, key=METRICS_KEY)) as scraper:
        assert stranger.get("/metrics").status == 401
        assert scraper.get("/metrics").status == 200
        assert scraper.get("/v1/clients").status == 401


def test_without_postgres_the_rest_is_answered_and_says_so(own_postgres: Postgres, tmp_path: Path) -> None:
    databases = Databases(own_postgres.url("postgres"))
    system = System(tmp_path, databases.migrated(), NOWHERE)
    try:
        system.start_api()
        caller = system.caller()
        caller.deposit(caller.new_wallet(), 5)
        before = scrape(caller)
        assert before['teller_ready{check="database_answers"}'] == 1
        own_postgres.stop("immediate")

        began = time.monotonic()
        shown = scrape(caller)
        assert time.monotonic() - began < SCRAPE_WITHIN_S
        assert shown['teller_ready{check="database_answers"}'] == 0
        assert shown['teller_transfers_accepted_total{type="deposit"}'] == 1
        assert not [name for name in shown if name.startswith("teller_queue_")]

        own_postgres.start()
        wait_for(lambda: scrape(caller).get('teller_ready{check="database_answers"}') == 1, "the database to be back")
        assert [name for name in scrape(caller) if name.startswith("teller_queue_")]
    finally:
        system.close()


def test_several_processes_count_together_also_when_one_dies(own_system: System, tmp_path: Path) -> None:
    """What a dead process counted stays, what it held goes. Their folder goes with a stop; after a kill, with the next start."""
    folders = tmp_path / "tmp"
    folders.mkdir()
    environment = {"TELLER_API_PROCESSES": "3", "TMPDIR": str(folders)}
    api = own_system.start_api(environment)

    def deposit() -> None:
        assert own_system.caller().deposit(wallet, 5).status == 202

    def accepted() -> set[float]:
        """What a number of scrapes, each over a connection of its own, say."""
        return {scrape(own_system.caller())['teller_transfers_accepted_total{type="deposit"}'] for _ in range(12)}

    def scrapes() -> bool:
        """Whether a process answers. What the dead process had not accepted yet is reset."""
        try:
            return own_system.caller().get("/metrics").status == 200
        except OSError:
            return False

    wallet = own_system.caller().new_wallet()
    for _ in range(20):
        deposit()
    assert accepted() == {20}

    victim = next(folders.rglob("gauge_livesum_*.db"))
    os.kill(int(victim.stem.rpartition("_")[2]), signal.SIGKILL)
    wait_for(lambda: scrapes() and not victim.exists(), "what the dead process held to be forgotten", 60)
    wait_for(scrapes, "the others to answer")
    deposit()
    assert accepted() == {21}

    children = psutil.Process(api.pid).children(recursive=True)
    api.kill()  # first: it would start others
    api.wait()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    wait_for(lambda: not any(map(is_alive, children)), "all processes to end: they hold the port and reset new connections")
    assert list(folders.iterdir())
    again = own_system.start_api(environment)
    assert accepted() == {0}
    assert len(list(folders.iterdir())) == 1
    again.terminate()
    again.wait(30)
    assert list(folders.iterdir()) == []
