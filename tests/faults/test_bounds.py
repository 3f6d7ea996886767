"""No caller waits for more than seconds: each limit of Postgres, tested on Teller's real processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from local.redis import Redis
from tests.caller import new_key
from tests.databases import Databases
from tests.faults.lasting import complete
from tests.system import ROOT, System
from tests.waiting import LOADED_S, wait_for

ANSWER_WITHIN_S = 2.0 + LOADED_S
CALLERS = 24  # more than the API has connections

SLEEPING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

# With every limit but the one on a client that is gone.
SLEEP_FOR_LONG = """
import sys
from core.postgres.connections import connect_command
connect_command(sys.argv[1]).execute("SELECT pg_sleep(600)")
"""

Owner = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def lasting(databases: Databases, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One API for the tests of this file, on a database of its own."""
    system = System(tmp_path_factory.mktemp("lasting"), databases.migrated(), module_redis.url)
    yield system
    system.close()


@pytest.fixture
def system(lasting: System) -> System:
    """The API alone. What drains is started by each test."""
    return complete(lasting, workers=0, sweepers=0)


@pytest.fixture
def connection(databases: Databases, system: System) -> Iterator[Owner]:
    """A connection to the system's database, as its owner. What a test has made slow is fast again after it."""
    with psycopg.connect(databases.owner_url(system.database_url), autocommit=True) as connection:
        yield connection
        connection.execute("DROP FUNCTION IF EXISTS sleep CASCADE")


def pids(connection: Owner, statement: str) -> set[int]:
    return {pid for (pid,) in connection.execute(statement.encode())}


def make_slow(connection: Owner, table: str) -> Callable[[], object]:
    """Let each INSERT into the table take ten minutes; return what makes it fast again."""
    connection.execute(
        b"CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NULL; END'"
    )
    connection.execute(f"CREATE TRIGGER slow BEFORE INSERT ON {table} EXECUTE FUNCTION sleep()".encode())
    return lambda: connection.execute(f"DROP TRIGGER slow ON {table}".encode())


@pytest.mark.parametrize("verb", ["apply", "sweep"])
def test_a_drain_whose_statement_takes_too_long_is_ended_by_the_server_and_rejects_nothing(
    system: System, connection: Owner, verb: str
) -> None:
    caller = system.caller()
    wallet = caller.new_wallet()
    make_fast = make_slow(connection, "entries")
    system.start("worker", verb)
    accepted = caller.deposit(wallet, 5).body["id"]

    victims = wait_for(lambda: pids(connection, SLEEPING), "a drain that sleeps")
    wait_for(lambda: not victims & pids(connection, SLEEPING), "the end of its statement")

    assert caller.get(f"/v1/transfers/{accepted}").body["status"] == "queued"
    make_fast()
    system.start_sweeper()
    assert caller.wait_final(accepted, within_s=60)["status"] == "applied"
    system.audit()


def test_a_request_whose_statement_takes_too_long_is_answered_503_and_goes_on_nowhere(system: System, connection: Owner) -> None:
    system.start_workers(1)
    caller = system.caller()
    wallet, key = caller.new_wallet(), new_key()
    make_fast = make_slow(connection, "transfers")

    began = time.monotonic()
    answer = caller.deposit(wallet, 5, key)

    assert time.monotonic() - began < ANSWER_WITHIN_S
    assert (answer.status, answer.code) == (503, "unavailable")
    wait_for(lambda: not pids(connection, SLEEPING), "the end of its statement")
    make_fast()
    assert caller.wait_final(caller.deposit(wallet, 5, key).body["id"])["status"] == "applied"
    assert caller.balance(wallet) == 5
    system.audit()


def test_more_callers_than_connections_are_all_answered_soon_and_the_process_stays_alive(system: System, connection: Owner) -> None:
    wallet = system.caller().new_wallet()
    callers = [system.caller() for _ in range(CALLERS)]

    with ThreadPoolExecutor(CALLERS) as threads, connection.transaction():
        connection.execute("LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")
        looks = [threads.submit(caller.get, f"/v1/wallets/{wallet}") for caller in callers]
        wait_for(lambda: any_waits(system), "a request that waits for the lock")
        assert system.caller().get("/healthz").status == 200
        answers = [look.result(10) for look in looks]  # far more than it takes, far less than a queue of them would

    assert {(answer.status, answer.code) for answer in answers} == {(503, "unavailable")}
    assert {caller.get(f"/v1/wallets/{wallet}").status for caller in callers} == {200}


def any_waits(system: System) -> bool:
    with psycopg.connect(system.database_url, autocommit=True) as other:
        return bool(pids(other, WAITING))


@pytest.mark.long
def test_a_frozen_sweeper_holds_its_wallets_for_seconds_only(system: System, connection: Owner) -> None:
    caller = system.caller()
    wallet = caller.new_wallet()
    sweeper = system.start_sweeper()

    with psycopg.connect(system.database_url) as blocker:
        blocker.execute("SELECT FROM wallets FOR UPDATE")
        accepted = caller.deposit(wallet, 5).body["id"]
        wait_for(lambda: pids(connection, WAITING), "a sweeper that waits for the wallets")
        sweeper.send_signal(signal.SIGSTOP)
        blocker.rollback()
    system.start_sweeper()

    assert caller.wait_final(accepted, within_s=60)["status"] == "applied"  # by the other one
    sweeper.send_signal(signal.SIGCONT)
    system.audit()


def test_the_backend_of_a_killed_client_ends_in_the_midst_of_its_statement(system: System, connection: Owner) -> None:
    client = subprocess.Popen([sys.executable, "-c", SLEEP_FOR_LONG, system.database_url], cwd=ROOT)
    [backend] = wait_for(lambda: pids(connection, SLEEPING), "the client's statement")

    client.kill()
    client.wait()

    wait_for(lambda: backend not in pids(connection, SLEEPING), "the end of its backend")
