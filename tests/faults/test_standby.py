"""A primary and a synchronous standby: no 202 for what the standby lacks, and a primary that hangs holds nothing up for long."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.postgres.pool import OWNER_CONNECTIONS
from local.postgres import Postgres
from local.process import signal_all
from local.redis import Redis
from tests.caller import Answer, Caller, new_key
from tests.databases import Databases
from tests.standby import Pair, pair
from tests.system import System
from tests.waiting import LOADED_S, wait_for

ANSWER_WITHIN_S = 2.0 + LOADED_S
DRAINS_AGAIN_WITHIN_S = 20.0 + LOADED_S
FROZEN_S = 14.0  # longer than every deadline of Teller's own connections

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def database_of(url: str) -> str:
    return url.rpartition("/")[2]


def deposit_in_time(caller: Caller, wallet: str, key: str) -> int:
    began = time.monotonic()
    answer = caller.deposit(wallet, 1, key)
    assert time.monotonic() - began < ANSWER_WITHIN_S
    return answer.status


def outcome(caller: Caller, id: str) -> str | None:
    """What became of a transfer, None while it is queued, and while no connection is free."""
    status = caller.get(f"/v1/transfers/{id}").body["status"]
    return str(status) if status in {"applied", "rejected"} else None


@pytest.mark.long
def test_no_202_stands_for_what_the_standby_lacks(servers: Pair, logs: Path) -> None:
    """Neither when the API that asked ends, nor when the wait of its commit is ended by others, nor after a replay elsewhere."""
    url = servers.migrated()
    servers.replicate()
    first, second = (System(logs, url, "redis://127.0.0.1:1/0") for _ in range(2))
    count = f"SELECT count(*) FROM transfers WHERE idempotency_key = '{(key := new_key())}'"
    try:
        api = first.start_api()
        second.start_api()
        caller, other = first.caller(), second.caller()
        wallet, known = caller.new_wallet(), new_key()
        assert deposit_in_time(caller, wallet, known) == 202
        servers.stall()

        assert deposit_in_time(caller, wallet, key) == 503
        api.terminate()
        assert api.wait(20) == 0
        assert servers.ask(servers.primary, count, database_of(url)) == [(0,)], "the commit's wait was ended"
        assert servers.ask(servers.primary, WAITING)
        assert deposit_in_time(other, wallet, key) == 503

        for (pid,) in servers.ask(servers.primary, WAITING):
            servers.ask(servers.primary, f"SELECT pg_cancel_backend({pid})")
        wait_for(lambda: servers.ask(servers.primary, count, database_of(url)) == [(1,)], "a row that this server alone has")
        assert deposit_in_time(other, wallet, key) == 503
        assert deposit_in_time(other, wallet, known) == 503  # whether the standby has it is not known

        servers.primary.kill()
        servers.promote()
        kept = "SELECT idempotency_key FROM transfers"
        assert servers.ask(servers.standby, kept, database_of(url)) == [(known,)]
    finally:
        first.close()
        second.close()


def test_no_answer_says_that_a_thing_is_there_before_a_standby_has_it(own_postgres: Postgres, logs: Path) -> None:
    """Each is repeated while no commit is confirmed: the standby that is waited for never comes."""
    url = Databases(own_postgres.url("postgres")).migrated()
    first, full = (System(logs, url, "redis://127.0.0.1:1/0") for _ in range(2))
    try:
        first.start_api()
        full.start_api({"TELLER_BACKLOG_MAX": "1"})
        caller = first.caller()
        wallet, key, client_key = caller.new_wallet(), new_key(), new_key()
        assert caller.deposit(wallet, 1, key).status == 202
        assert caller.post("/v1/clients", {"name": "Ada"}, key=client_key).status == 201
        endpoint = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/"}).body["id"]
        assert caller.request("DELETE", f"/v1/webhook-endpoints/{endpoint}").status == 204
        wait_for(lambda: full.caller().deposit(wallet, 1).body.get("code") == "backlog_full", "a backlog that is full")
        repeats: list[Callable[[], Answer]] = [
            lambda: first.caller().deposit(wallet, 1, key),
            lambda: full.caller().deposit(wallet, 1, key),  # looked up alone: nothing more may be stored
            lambda: first.caller().post("/v1/clients", {"name": "Ada"}, key=client_key),
            lambda: first.caller().request("DELETE", f"/v1/webhook-endpoints/{endpoint}"),
        ]

        wait_for_standbys(own_postgres, "'never'")
        with ThreadPoolExecutor(len(repeats)) as threads:
            stalled = [answer.status for answer in threads.map(lambda repeat: repeat(), repeats)]
        wait_for_standbys(own_postgres, "''")

        assert stalled == [503] * len(repeats)
        wait_for(lambda: caller.get("/readyz").status == 200, "an end of the stall")
        assert [repeat().status for repeat in repeats] == [202, 202, 201, 404]
    finally:
        first.close()
        full.close()


def test_an_api_whose_commits_wait_for_a_standby_is_not_ready_and_reads_on(own_postgres: Postgres, logs: Path) -> None:
    """As on an old primary whose standbys follow a new one. However many ask, one connection waits."""
    system = System(logs, Databases(own_postgres.url("postgres")).migrated(), "redis://127.0.0.1:1/0")
    try:
        system.start_api()
        caller = system.caller()
        wallet = caller.new_wallet()
        ready = caller.get("/readyz")

        wait_for_standbys(own_postgres, "'never'")
        try:
            wait_for(lambda: caller.get("/readyz").status == 503, "a readyz that says so")
            with ThreadPoolExecutor(20) as threads:
                asked = list(threads.map(lambda _: answer_of(system, "/readyz"), range(100)))
            read = caller.get(f"/v1/wallets/{wallet}")
            with psycopg.connect(own_postgres.url("postgres")) as connection:
                waiting = connection.execute(WAITING.encode()).fetchall()
        finally:
            wait_for_standbys(own_postgres, "''")

        assert (ready.status, ready.body["checks"]["database_commits"], read.status) == (200, True, 200)
        assert {(answer.status, answer.body["detail"]) for answer in asked} == {(503, "not ready: database_commits")}
        assert len(waiting) == 1
        wait_for(lambda: caller.get("/readyz").status == 200, "an end of the stall")
    finally:
        system.close()


def answer_of(system: System, path: str) -> Answer:
    with closing(system.caller()) as caller:
        return caller.get(path)


def wait_for_standbys(server: Postgres, names: str) -> None:
    """Let commits wait for these standbys, from its return on: the checkpointer takes the setting later than sessions do."""
    with psycopg.connect(server.url("postgres"), autocommit=True, options="-c synchronous_commit=local") as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = {names}".encode())
        connection.execute("SELECT pg_reload_conf()")
        wait_for(lambda: a_commit_waits(server, connection) == (names != "''"), "commits that do as the setting says")


def a_commit_waits(server: Postgres, connection: psycopg.Connection[Any]) -> bool:
    """Whether a commit of now waits for a standby."""
    with closing(psycopg.connect(server.url("postgres"), autocommit=True)) as probe:
        probe.pgconn.send_query(b"SELECT pg_logical_emit_message(true, 'a commit', '')")
        of_probe = f"{WAITING} AND pid = {probe.info.backend_pid}".encode()
        while not connection.execute(of_probe).fetchall():
            probe.pgconn.consume_input()
            if not probe.pgconn.is_busy():
                return False
        probe.cancel_safe()
    return True


@contextmanager
def reads_that_wait(servers: Pair, database: str, system: System) -> Iterator[list[int]]:
    """Within it, requests of the operator wait in the primary for a lock: as many as may have a connection of the API.

    The list has the statuses of their answers afterwards. A request that its statement_timeout ended is sent again.
    """
    answers: list[int] = []
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'clients'::regclass"
    lock = psycopg.connect(servers.primary.url(database))
    threads = ThreadPoolExecutor(OWNER_CONNECTIONS)
    try:
        lock.execute("LOCK TABLE clients")
        reads = [threads.submit(lambda: system.caller().get("/v1/clients").status) for _ in range(10 * OWNER_CONNECTIONS)]
        wait_for(lambda: servers.ask(servers.primary, waiting, database) == [(OWNER_CONNECTIONS,)], "reads that wait")
        yield answers
        threads.shutdown(cancel_futures=True)
        answers += [read.result() for read in reads if not read.cancelled()]
    finally:
        threads.shutdown(cancel_futures=True)
        lock.close()


@pytest.mark.long
def test_a_primary_that_hangs_is_left_for_the_new_one_without_a_restart(servers: Pair, own_redis: Redis, logs: Path) -> None:
    url = servers.migrated()
    servers.replicate()
    system = System(logs, servers.url_of_both(url), own_redis.url)
    try:
        system.start_api()
        system.start_workers(1)
        system.start_sweeper()
        caller = system.caller()
        source, destination = caller.new_wallet(100), caller.new_wallet()
        accepted = [caller.transfer(source, destination, 1).body["id"] for _ in range(5)]

        with reads_that_wait(servers, database_of(url), system) as answers:
            servers.freeze_primary()
            frozen_at, key = time.monotonic(), new_key()
        assert set(answers) == {503}
        assert caller.transfer(source, destination, 1, key).status == 503
        servers.promote()
        again = wait_for(lambda: caller.transfer(source, destination, 1, key).body.get("id"), "a 202", DRAINS_AGAIN_WITHIN_S)
        wait_for(lambda: caller.get("/v1/clients").status == 200, "a read that has a connection again")
        outcomes = {wait_for(lambda: outcome(caller, id), "an outcome", DRAINS_AGAIN_WITHIN_S) for id in [*accepted, again]}  # noqa: B023

        assert time.monotonic() - frozen_at < DRAINS_AGAIN_WITHIN_S
        assert outcomes == {"applied"}
        assert caller.balance(destination) == 6
        assert all(process.poll() is None for process in system.processes), system.logs()
        assert caller.get("/readyz").status == 200
        system.audit()
    finally:
        system.close()


@pytest.mark.long
def test_a_server_that_hangs_for_longer_than_every_deadline_loses_and_doubles_nothing(
    own_postgres: Postgres, own_redis: Redis, logs: Path
) -> None:
    system = System(logs, Databases(own_postgres.url("postgres")).migrated(), own_redis.url)
    try:
        system.start_api()
        system.start_workers(1)
        system.start_sweeper()
        caller = system.caller()
        source, destination = caller.new_wallet(100), caller.new_wallet()
        accepted = [caller.transfer(source, destination, 1).body["id"] for _ in range(5)]
        frozen = own_postgres.processes()
        signal_all(frozen, signal.SIGSTOP)
        frozen_at, keys = time.monotonic(), []
        while time.monotonic() - frozen_at < FROZEN_S:
            keys.append(new_key())
            assert caller.transfer(source, destination, 1, keys[-1]).status == 503
        signal_all(frozen, signal.SIGCONT)

        again = [wait_for(lambda: caller.transfer(source, destination, 1, key).body.get("id"), "a 202") for key in keys]  # noqa: B023
        accepted += again
        assert {caller.wait_final(id)["status"] for id in accepted} == {"applied"}
        assert caller.balance(destination) == len(accepted)
        assert all(process.poll() is None for process in system.processes), system.logs()
        system.audit()
    finally:
        system.close()
