"""The systems that the benchmark measures, and the conditions that it makes in them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bench import bulk
from bench.errors import UnexpectedAnswer
from bench.snapshot import held_snapshot, insert_and_delete
from bench.system import OwnSystem, System
from bench.verbs import APPOINTMENTS, HOLDS, LEAD_S, last_after_s, move, none_is_due
from core.cores import default_api_processes
from tests.waiting import wait_for
from tests.world import World, hold, release, transfer

ROWS = 4_000
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def system(database_url: str, owner_url: str) -> Iterator[System]:
    """A system without processes."""
    with closing(System(NOWHERE, "key", database_url, owner_url, None)) as system:
        yield system


def test_a_system_has_as_many_api_processes_as_make_run_starts(
    database_url: str, owner_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TELLER_API_PROCESSES", raising=False)
    with closing(OwnSystem(tmp_path, {"DATABASE_URL": database_url}, owner_url, redis_url, {})) as system:
        system.start_api()
        lines = [" ".join(process.cmdline()) for process in system.groups()["API"]]

    count = default_api_processes()
    assert sum("spawn_main" in line for line in lines) == (count if count > 1 else 0)


def test_dead_rows_stay_as_long_as_a_snapshot_is_held(system: System) -> None:
    with held_snapshot(system):
        insert_and_delete(system, ROWS)
        assert rows_left_by_vacuum(system) == ROWS
    wait_for(lambda: rows_left_by_vacuum(system) == 0, "the dead rows to be cleared away")


def rows_left_by_vacuum(system: System) -> int:
    """Row versions that VACUUM must leave in the queue, none of which is alive."""
    notices: list[str] = []
    with psycopg.connect(system.admin_database_url, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        connection.execute("VACUUM (VERBOSE) queue")
        assert connection.execute("SELECT count(*) FROM queue").fetchone() == (0,)
    (line,) = [line for notice in notices for line in notice.splitlines() if line.startswith("tuples:") and "remain" in line][:1]
    return int(line.split("remain")[0].split()[-1])


def test_a_look_for_queued_transfers_begins_behind_what_was_drained(world: World, system: System) -> None:
    ada, bob = world.new_wallets(10, 10)
    drained, waiting = transfer(ada, bob, 1), transfer(bob, ada, 1)
    world.submit(drained)
    assert system.any_queued()

    system.skip_drained()
    assert not system.any_queued()
    world.submit(waiting)
    assert system.any_queued()
    world.drain()
    assert not system.any_queued()


def test_the_instants_of_a_load_are_its_first_acceptance_and_each_verdict(world: World, system: System) -> None:
    ada, bob = world.new_wallets(10, 10)
    since = system.clock()
    sent = [transfer(ada, bob, 1), transfer(ada, bob, 100)]
    for one in sent:
        world.submit(one)
    world.drain()

    first, second = (world.transfer(one.id) for one in sent)
    assert first.finished_at is not None
    assert second.finished_at is not None
    expected = [first.created_at, *sorted([first.finished_at, second.finished_at])]
    assert system.verdicts_since(since) == pytest.approx([instant.timestamp() for instant in expected], abs=1e-5)


def test_what_is_stored_for_later_becomes_due_when_a_measurement_says_so(world: World, system: System) -> None:
    wallets = world.new_wallets(100, 100)
    for due in (HOLDS, APPOINTMENTS):
        bulk.store_between(system, due.make, wallets, 10, rung=False)
    world.drain()
    now = system.clock()

    assert LEAD_S - 5 < move(system, HOLDS, 20) <= LEAD_S
    assert LEAD_S - 5 < move(system, APPOINTMENTS, 0) <= LEAD_S

    shown = "coalesce(scheduled_for, expires_at + interval '1 s')"
    rows = world.query(f"SELECT verb, due_at, {shown} FROM due JOIN transfers ON id = transfer_id")
    ends, times = (sorted(at for verb, at, _ in rows if verb == wanted) for wanted in ("release", "apply"))
    assert all(at == told for _, at, told in rows)
    assert [round((end - now).total_seconds() - LEAD_S - 1) for end in ends] == list(range(2, 21, 2))
    assert len(times) == 10
    assert len(set(times)) == 1
    assert not none_is_due(system)


def test_the_last_release_after_its_end_is_measured_when_none_is_missing(world: World, system: System) -> None:
    payer, payee = world.new_wallets(100, 0)
    first, second = hold(payer, payee, 10), hold(payer, payee, 10)
    world.submit(first, second)
    world.submit(release(first))
    world.drain()
    world.query("UPDATE transfers SET expires_at = finished_at - interval '3 s' WHERE type = 'hold'")

    assert last_after_s(system, HOLDS, 1) == pytest.approx(3.0, abs=2.0)
    assert last_after_s(system, APPOINTMENTS, 0) == 0
    with pytest.raises(UnexpectedAnswer, match="1 of 2"):
        last_after_s(system, HOLDS, 2)
    assert not none_is_due(system)
    world.submit(release(second))
    assert not none_is_due(system)
    world.drain()
    assert none_is_due(system)
