"""The main job with two workers, under load and under faults: all final, in order, and the audit clean."""

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from local.redis import Redis
from tests import flood
from tests.caller import Caller
from tests.databases import Databases
from tests.faults.lasting import API, APPLY, SWEEP, complete, end, running
from tests.system import System
from tests.waiting import wait_for

BALANCE = 100_000
MANY = 2000  # transfers of a flood; its fault comes when a quarter is stored


@pytest.fixture(scope="module")
def lasting(databases: Databases, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for all tests of this file; each has wallets of its own, and starts what the one before has ended."""
    system = System(tmp_path_factory.mktemp("lasting"), databases.migrated(), module_redis.url)
    yield system
    system.close()


@pytest.fixture
def system(lasting: System) -> System:
    return complete(lasting, workers=2)


@pytest.fixture
def connection(databases: Databases, lasting: System) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the system's database, as its owner."""
    with psycopg.connect(databases.owner_url(lasting.database_url), autocommit=True) as connection:
        yield connection


def queued(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM queue").fetchone()
    assert row is not None
    return int(row[0])


def statuses(connection: psycopg.Connection[Any], posts: list[flood.Post]) -> Counter[str]:
    """How many of these transfers are stored, by their status."""
    count = "SELECT status, count(*) FROM transfers WHERE idempotency_key = ANY(%s) GROUP BY status"
    return Counter(dict(connection.execute(count, [[post.key for post in posts]])))


def wait_until_drained(connection: psycopg.Connection[Any], within_s: float = 20.0) -> None:
    wait_for(lambda: queued(connection) == 0, "an empty queue", within_s)


def random_transfers(wallets: list[str], count: int) -> list[flood.Post]:
    return [flood.between(wallets, random.randint(1, 300)) for _ in range(count)]


def flood_with_fault(system: System, posts: list[flood.Post], fault: Callable[[], object]) -> list[str]:
    """Send all posts and do `fault` when a quarter is stored; return the ids that were answered 202."""
    answered: list[tuple[int, Any]] = []
    sender = threading.Thread(target=lambda: answered.extend(flood.send_all(system.url, posts)))
    sender.start()
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        wait_for(lambda: statuses(connection, posts).total() > len(posts) / 4, "a quarter of the transfers")
        fault()
    sender.join()
    assert {status for status, _ in answered} == {202}
    return [body["id"] for _, body in answered]


def test_a_thousand_debits_of_a_wallet_with_funds_for_five_hundred(system: System, connection: psycopg.Connection[Any]) -> None:
    caller = system.caller()
    source, destination = caller.new_wallet(500), caller.new_wallet()

    posts = [flood.transfer(source, destination, 1) for _ in range(1000)]
    answers = flood.send_all(system.url, posts)

    assert {status for status, _ in answers} == {202}
    wait_until_drained(connection)
    assert statuses(connection, posts) == {"applied": 500, "rejected": 500}
    assert (caller.balance(source), caller.balance(destination)) == (0, 500)
    system.audit()


def test_transfers_sent_after_the_202_of_the_one_before_are_applied_in_that_order(system: System) -> None:
    caller = system.caller()
    source, *others = [caller.new_wallet(BALANCE) for _ in range(8)]
    noise = threading.Thread(target=lambda: flood.send_all(system.url, random_transfers(others, 500)))
    noise.start()

    sent = []
    for amount in range(1, 101):
        accepted = caller.transfer(source, random.choice(others), amount)
        assert accepted.status == 202
        sent.append(accepted.body["id"])

    noise.join()
    caller.wait_final(sent[-1])
    entries = caller.get(f"/v1/wallets/{source}/entries?limit=100").body["data"]
    assert [entry["transfer_id"] for entry in reversed(entries)] == sent
    system.audit()


def test_a_cent_hops_to_and_fro_each_hop_sent_after_the_outcome_of_the_one_before(system: System) -> None:
    caller = system.caller()
    here, there = caller.new_wallet(1), caller.new_wallet()

    for _ in range(100):
        assert caller.wait_final(caller.transfer(here, there, 1).body["id"])["status"] == "applied"
        assert (caller.balance(here), caller.balance(there)) == (0, 1)
        here, there = there, here

    system.audit()


def test_no_ring_is_lost_without_a_sweeper(lasting: System) -> None:
    """Each caller sends its next transfer when the last is final: a ring that is lost between a last look and a flag ends it."""
    system = complete(lasting, workers=3, sweepers=0)

    def hop(_: int) -> None:
        caller = Caller(system.url)
        one, other = caller.new_wallet(), caller.new_wallet()
        caller.wait_final(caller.deposit(one, 1).body["id"])  # workers may take seconds to start
        for _ in range(40):
            caller.wait_final(caller.transfer(one, other, 1).body["id"], within_s=4)
            one, other = other, one
        caller.close()

    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(hop, range(8))) == [None] * 8


def test_two_thousand_transfers_survive_a_flushall_in_their_midst(
    system: System, module_redis: Redis, connection: psycopg.Connection[Any]
) -> None:
    caller = system.caller()
    wallets = [caller.new_wallet(BALANCE) for _ in range(10)]
    posts = random_transfers(wallets, MANY)

    accepted = flood_with_fault(system, posts, module_redis.flush)

    wait_until_drained(connection)
    assert statuses(connection, posts) == {"applied": len(accepted)}
    assert sum(caller.balance(wallet) for wallet in wallets) == 10 * BALANCE
    system.audit()


def test_two_thousand_transfers_survive_the_kill_of_a_worker_in_their_midst(
    system: System, connection: psycopg.Connection[Any]
) -> None:
    caller = system.caller()
    wallets = [caller.new_wallet(BALANCE) for _ in range(10)]
    worker = running(system, *APPLY)[0]
    posts = random_transfers(wallets, MANY)

    accepted = flood_with_fault(system, posts, worker.kill)

    assert worker.wait() == -signal.SIGKILL
    wait_until_drained(connection)
    assert statuses(connection, posts) == {"applied": len(accepted)}
    system.audit()


@pytest.mark.long
def test_nothing_that_was_accepted_is_missing_after_every_process_was_killed(
    system: System, connection: psycopg.Connection[Any]
) -> None:
    caller = system.caller()
    wallets = [caller.new_wallet(BALANCE) for _ in range(10)]
    accepted = [body["id"] for _, body in flood.send_all(system.url, random_transfers(wallets, 300))]
    end(*(process for argv in (API, APPLY, SWEEP) for process in running(system, *argv)))

    complete(system)

    wait_until_drained(connection)
    caller.close()
    assert {caller.wait_final(id)["status"] for id in accepted} == {"applied"}
    system.audit()


@pytest.mark.long
def test_a_reader_sees_a_sum_of_zero_and_true_balances_at_every_instant(
    system: System, connection: psycopg.Connection[Any]
) -> None:
    caller = system.caller()
    wallets = [caller.new_wallet(BALANCE) for _ in range(6)]
    sender = threading.Thread(target=lambda: flood.send_all(system.url, random_transfers(wallets, 1000)))
    sender.start()

    looks = 0
    while sender.is_alive() or queued(connection):
        system.audit()
        looks += 1

    sender.join()
    assert looks > 3
    system.audit()


@pytest.mark.long
def test_a_frozen_worker_holds_its_wallets_for_seconds_only(system: System, connection: psycopg.Connection[Any]) -> None:
    caller: Caller = system.caller()
    source, destination = caller.new_wallet(BALANCE), caller.new_wallet()
    workers = running(system, *APPLY)

    with psycopg.connect(system.database_url) as blocker:
        blocker.execute("SELECT FROM wallets FOR UPDATE")
        transfer = caller.transfer(source, destination, 1).body["id"]
        wait_for(lambda: waiting_for_locks(connection), "a worker that waits for the wallets")
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        blocker.rollback()

    assert caller.wait_final(transfer, within_s=15)["status"] == "applied"  # by the sweeper
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
    wait_until_drained(connection)
    system.audit()


def waiting_for_locks(connection: psycopg.Connection[Any]) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return connection.execute(waiting).fetchone() is not None
