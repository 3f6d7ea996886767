"""Postgres or Redis away: callers get a clear and quick answer, and the system recovers without help when it is back."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest
from redis import Redis as Client

from local.postgres import Postgres
from local.process import signal_all
from local.redis import Redis
from tests import cluster
from tests.caller import OPERATOR_KEY, Answer, Caller, new_key
from tests.console.scene import start_console
from tests.databases import APPLICATION, Databases
from tests.faults.lasting import complete
from tests.system import System
from tests.waiting import LOADED_S, wait_for

ANSWER_WITHIN_S = 2.0 + LOADED_S
BALANCE = 1000


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory, postgres_cluster: Path) -> Iterator[Postgres]:
    server = cluster.copy(postgres_cluster, tmp_path_factory.mktemp("postgres") / "postgres")
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def lasting(postgres: Postgres, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for the tests of this file, which break its servers in turn."""
    system = System(tmp_path_factory.mktemp("lasting"), Databases(postgres.url("postgres")).migrated(), module_redis.url)
    yield system
    system.close()


@pytest.fixture
def system(lasting: System, postgres: Postgres, module_redis: Redis) -> System:
    """A whole system on servers that the test may break: it finds them in order, and the same processes as the test before."""
    for server in (postgres, module_redis):
        signal_all(server.processes(), signal.SIGCONT)
        if not server.running:
            server.start()
    complete(lasting)
    wait_for(lambda: is_whole(lasting.caller()), "a system that is whole again")
    return lasting


def is_whole(caller: Caller) -> bool:
    ready = caller.get("/readyz")
    return ready.status == 200 and ready.body["redis_fault"] is None


def timed_transfer(caller: Caller, source: str, destination: str, key: str) -> tuple[float, Answer]:
    began = time.monotonic()
    answer = caller.transfer(source, destination, 1, key)
    return time.monotonic() - began, answer


def test_postgres_stopped_means_503_within_two_seconds_and_no_restart_afterwards(system: System, postgres: Postgres) -> None:
    caller = system.caller()
    source, destination, key = caller.new_wallet(BALANCE), caller.new_wallet(), new_key()
    postgres.stop("immediate")

    for _ in range(3):
        took_s, answer = timed_transfer(caller, source, destination, key)
        assert (answer.status, answer.code) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert took_s < ANSWER_WITHIN_S
    assert caller.get(f"/v1/wallets/{source}").code == "unavailable"
    assert caller.get("/readyz").code == "unavailable"
    assert caller.get("/healthz").status == 200

    postgres.start()
    accepted = wait_for(lambda: accepted_id(caller, source, destination, key), "a 202 after the restart")
    assert caller.wait_final(accepted)["status"] == "applied"
    assert caller.balance(destination) == 1
    system.audit()


def test_the_console_shows_that_postgres_is_away_and_that_it_is_back(system: System, postgres: Postgres) -> None:
    url = start_console(system)
    console = system.processes[-1]
    try:
        with httpx.Client(base_url=url, timeout=30) as client:
            assert client.post("/login", data={"key": OPERATOR_KEY}).status_code == 303
            postgres.stop("immediate")
            for path in ("/", "/health"):
                shown = client.get(path)
                assert shown.status_code == 200  # or the script would not take it in the place of the part that it shows
                assert "The API is not ready: it takes no transfers now." in shown.text
                assert "The database answers<span>no</span>" in shown.text
                assert f'<div id="live-{path[1:] or "overview"}" data-live>' in shown.text

            postgres.start()
            for path in ("/", "/health"):
                wait_for(partial(shows, client, path, "Processes" if path == "/health" else "Latest transfers"), "the whole page")
    finally:
        console.kill()
        console.wait()


def shows(client: httpx.Client, path: str, text: str) -> bool:
    return text in client.get(path).text


def accepted_id(caller: Caller, source: str, destination: str, key: str) -> str:
    answer = caller.transfer(source, destination, 1, key)
    return str(answer.body["id"]) if answer.status in {200, 202} else ""


def test_postgres_frozen_means_503_within_two_seconds(system: System, postgres: Postgres) -> None:
    caller = system.caller()
    source, destination, key = caller.new_wallet(BALANCE), caller.new_wallet(), new_key()
    frozen = postgres.processes()
    signal_all(frozen, signal.SIGSTOP)

    answers = [timed_transfer(caller, source, destination, key) for _ in range(3)]

    signal_all(frozen, signal.SIGCONT)
    assert all((answer.status, answer.code) == (503, "unavailable") and took_s < ANSWER_WITHIN_S for took_s, answer in answers)
    accepted = wait_for(lambda: accepted_id(caller, source, destination, key), "a 202 after the thaw")
    assert caller.wait_final(accepted)["status"] == "applied"
    assert caller.balance(destination) == 1  # what the frozen server may have stored is the same transfer, by its key
    system.audit()


def test_a_terminated_backend_costs_its_callers_nothing(system: System, postgres: Postgres) -> None:
    caller = system.caller()
    source, destination = caller.new_wallet(BALANCE), caller.new_wallet()
    assert terminate_backends(postgres) > 0

    accepted = caller.transfer(source, destination, 1)

    assert accepted.status == 202
    assert caller.wait_final(accepted.body["id"])["status"] == "applied"
    system.audit()


def terminate_backends(server: Postgres) -> int:
    """End the sessions of the application's role, and return how many ended."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        sessions = "SELECT pid FROM pg_stat_activity WHERE usename = %s"
        ended = [pid for (pid,) in connection.execute(sessions, [APPLICATION[0]]).fetchall()]
        for pid in ended:  # false for a session that has ended by itself
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        left = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)", [ended]).fetchall()
    assert left == []
    return len(ended)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_without_redis_a_202_comes_as_fast_as_ever_and_the_sweeper_applies(
    system: System, module_redis: Redis, fault: signal.Signals
) -> None:
    caller = system.caller()
    source, destination = caller.new_wallet(BALANCE), caller.new_wallet()
    before = [timed_transfer(caller, source, destination, new_key()) for _ in range(20)]
    os.kill(module_redis.pid, fault)

    during = [timed_transfer(caller, source, destination, new_key()) for _ in range(20)]

    assert {answer.status for _, answer in before + during} == {202}
    assert max(took_s for took_s, _ in during) < 0.4  # less than one timeout of Redis: no request has waited for it
    outcomes = {caller.wait_final(answer.body["id"])["status"] for _, answer in before + during}
    assert outcomes == {"applied"}
    os.kill(module_redis.pid, signal.SIGCONT)
    system.audit()


def test_a_redis_that_refuses_is_reported_everywhere_and_the_sweeper_applies(own_system: System, own_redis: Redis) -> None:
    with Client.from_url(own_redis.url) as client:
        client.replicaof("127.0.0.1", "1")  # read-only from now on, and PING is answered
        own_system.start_api()
        caller = own_system.caller()
        own_system.start_workers(1)
        own_system.start_sweeper()
        wallet = caller.new_client()["wallet"]["id"]

        assert caller.wait_final(caller.deposit(wallet, 1).body["id"])["status"] == "applied"
        ready = caller.get("/readyz")
        metrics = caller.get("/metrics").body
        logs = own_system.logs()
        client.replicaof("NO", "ONE")

        wait_for(lambda: caller.get("/readyz").body["redis_fault"] is None, "doorbells that are taken")

    assert (ready.status, ready.body["redis_fault"]) == (200, "read_only_replica")
    reported = {name: ready.body["checks"][name] for name in ("redis_reachable", "redis_takes_doorbells")}
    assert reported == {"redis_reachable": True, "redis_takes_doorbells": False}
    assert 'teller_redis{check="reachable"} 1.0' in metrics
    assert 'teller_redis{check="takes_doorbells"} 0.0' in metrics
    assert 'teller_doorbells_total{outcome="refused"} 1.0' in metrics
    api_says = logs.partition("api-0.log:")[2].partition("worker-apply")[0]
    assert api_says.count("doorbell refused") == 1
    assert "read_only_replica" in api_says
    own_system.audit()


@pytest.mark.long
def test_redis_back_means_doorbells_again(system: System, module_redis: Redis) -> None:
    caller = system.caller()
    source, destination = caller.new_wallet(BALANCE), caller.new_wallet()
    module_redis.kill()
    assert caller.wait_final(caller.transfer(source, destination, 1).body["id"])["status"] == "applied"

    module_redis.start()

    def applied_at_once() -> bool:
        began = time.monotonic()
        caller.wait_final(caller.transfer(source, destination, 1).body["id"])
        return time.monotonic() - began < 1.0  # the sweeper waits for twice as long

    wait_for(applied_at_once, "a transfer applied without the sweeper", within_s=30)
    system.audit()
