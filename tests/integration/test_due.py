"""What happens at a time: holds that expire, scheduled transfers; queued by the sweeper from rows, Redis or no Redis."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids, transfer_lists
from core.admin.audit import audit
from core.ids import Prefix
from core.postgres.connections import connect_worker
from core.postgres.statements import statement
from core.transfers import Submission, Terms
from tests.integration.test_verbs import APPLIED, CLOSED, funds, open_holds, settle
from tests.world import World, capture, hold, release, reversal, transfer, withdrawal
from worker.ledger.apply import Applier
from worker.ledger.sweep import DUE_LEAST, DUE_MOST, Sweeper

QUEUED = ("queued", None)
ROOM = {"most": DUE_MOST, "least": DUE_LEAST}


@pytest.fixture
def sweeper(world: World) -> Iterator[Sweeper]:
    with closing(world.drainer()) as drainer, closing(Sweeper(lambda: connect_worker(world.url), drainer)) as sweeper:
        yield sweeper


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def queue_due(world: World, most: int = DUE_MOST, least: int = DUE_LEAST) -> list[int]:
    """Queue what is due, and drain nothing."""
    with closing(connect_worker(world.url)) as connection:
        return sorted(shard for (shard, _) in connection.execute(statement("sweep/queue_due"), {"most": most, "least": least}))


def end(world: World, *holds: Submission, ago_s: float = 1.0) -> None:
    """Let the holds have ended so long ago, and what they have as children have been accepted long before that."""
    changed = [one.id for one in holds]
    world.query("UPDATE transfers SET created_at = created_at - interval '1 hour' WHERE parent = ANY(%s)", changed)
    world.query("UPDATE transfers SET expires_at = now() - make_interval(secs => %s) WHERE id = ANY(%s)", ago_s, changed)
    world.query(
        "UPDATE due SET due_at = t.expires_at + interval '1 second' FROM transfers t"
        " WHERE t.id = due.transfer_id AND t.id = ANY(%s) AND due.verb = 'release'",
        changed,
    )


def begin(world: World, *scheduled: Submission) -> None:
    """Let the time of scheduled transfers have come."""
    changed = [one.id for one in scheduled]
    world.query("UPDATE transfers SET scheduled_for = now() - interval '1 millisecond' WHERE id = ANY(%s)", changed)
    world.query("UPDATE due SET due_at = t.scheduled_for FROM transfers t WHERE t.id = due.transfer_id AND t.id = ANY(%s)", changed)


def later(**terms: Any) -> Terms:
    return Terms(scheduled_for=datetime.now(UTC) + timedelta(hours=1), **terms)


def expiry_of(world: World, placed: Submission) -> UUID:
    [(id,)] = world.query("SELECT id FROM transfers WHERE parent = %s AND starts_with(idempotency_key, 'expiry ')", placed.id)
    return UUID(str(id))


def test_an_expired_hold_is_released_with_a_transfer_of_its_own(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)
    assert settle(world, placed, capture(placed, 30)) == [APPLIED, APPLIED]
    end(world, placed)

    assert sweeper.run_once() == 1

    released = world.transfer(expiry_of(world, placed))
    assert (released.type, released.status, released.parent, released.total) == ("release", "applied", placed.id, 70)
    assert (released.owner, released.idempotency_key) == ("operator", f"expiry {ids.text(Prefix.TRANSFER, placed.id)}")
    assert released.is_expiry
    assert funds(world, payer) == (70, 70)
    assert world.query("SELECT transfer_id FROM due") == []
    assert world.query("SELECT count(*) FROM events WHERE %s = ANY(transfer_ids)", released.id) == [(1,)]
    assert_clean(world)


def test_a_hold_is_released_a_second_after_its_end_and_not_before(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)
    assert settle(world, placed) == [APPLIED]
    end(world, placed, ago_s=0.0)
    world.query("UPDATE due SET due_at = due_at + interval '1 minute'")

    assert sweeper.run_once() == 0
    assert funds(world, payer) == (100, 0)

    [(late,)] = world.query("SELECT due_at - expires_at - interval '1 minute' FROM due JOIN transfers t ON t.id = transfer_id")
    assert late == timedelta(seconds=1)


def test_a_hold_that_is_used_up_or_released_expires_with_no_row(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    used_up, released = hold(payer, payee, 50), hold(payer, payee, 50)
    assert settle(world, used_up, released, capture(used_up), release(released)) == [APPLIED] * 4
    assert world.query("SELECT transfer_id FROM due") == []
    end(world, used_up, released)

    assert sweeper.run_once() == 0

    assert world.query("SELECT count(*) FROM transfers WHERE type = 'release'") == [(1,)]


def test_a_capture_in_time_stands_before_the_release_in_the_queue(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)
    assert settle(world, placed) == [APPLIED]
    in_time = capture(placed, 60)
    world.submit(in_time)
    end(world, placed)
    world.query("UPDATE transfers SET created_at = now() - interval '1 hour' WHERE id = %s", in_time.id)

    assert queue_due(world) == [placed.shard]
    late = capture(placed, 1)
    world.submit(late)
    world.drain()

    assert world.statuses(in_time.id, expiry_of(world, placed), late.id) == [APPLIED, APPLIED, CLOSED]
    assert world.transfer(expiry_of(world, placed)).total == 40
    assert_clean(world)


def test_an_expiry_is_queued_once_however_often_the_sweeper_comes(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)
    assert settle(world, placed) == [APPLIED]
    end(world, placed)

    assert queue_due(world) == [placed.shard]
    assert queue_due(world) == []
    assert [one.id for one in open_holds(world, payer)] == [placed.id]
    world.query("UPDATE due SET due_at = now()")  # as if its row had been written by hand
    assert queue_due(world) == []
    world.drain()

    assert world.query("SELECT count(*) FROM transfers WHERE type = 'release'") == [(1,)]
    assert funds(world, payer) == (100, 100)
    assert_clean(world)


def test_a_drain_that_closes_a_hold_waits_for_the_sweeper_that_queues_its_release(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)
    assert settle(world, placed) == [APPLIED]
    world.submit(release(placed))
    end(world, placed)

    with closing(world.drainer(lock_timeout="4s")) as drainer, ThreadPoolExecutor() as threads:
        with connection.transaction():
            connection.execute(statement("sweep/queue_due"), ROOM)
            drained = threads.submit(drainer.run, [placed.shard])
            world.wait_until_blocked()
        assert drained.result(20) == 2

    assert world.statuses(expiry_of(world, placed)) == [CLOSED]
    assert world.query("SELECT transfer_id FROM due") == []
    assert_clean(world)


def test_a_scheduled_transfer_waits_for_its_time_and_is_applied_once(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 60, terms=later())
    world.submit(sent)
    assert sweeper.run_once() == 0
    assert world.transfer(sent.id).is_scheduled
    assert_clean(world)
    begin(world, sent)

    assert sweeper.run_once() == 1
    assert sweeper.run_once() == 0

    assert world.statuses(sent.id) == [APPLIED]
    assert funds(world, payee) == (60, 60)
    assert_clean(world)


def test_scheduled_transfers_take_their_turn_when_they_are_due(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    first, second = transfer(payer, payee, 60, terms=later()), withdrawal(payer, 60, later())
    world.submit(first, second)
    assert settle(world, transfer(payer, payee, 40)) == [APPLIED]
    begin(world, second)
    sweeper.run_once()
    begin(world, first)
    sweeper.run_once()

    assert world.statuses(first.id, second.id) == [("rejected", "insufficient_funds"), APPLIED]


def test_a_scheduled_hold_opens_at_its_time_and_counts_from_it(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    soon = datetime.now(UTC) + timedelta(hours=1)
    placed = hold(payer, payee, 60, expires_in_s=90, scheduled_for=soon)
    assert settle(world, placed, capture(placed)) == [QUEUED, CLOSED]
    assert world.transfer(placed.id).expires_at == soon + timedelta(seconds=90)
    begin(world, placed)

    assert sweeper.run_once() == 1

    assert world.statuses(placed.id) == [APPLIED]
    assert [one.id for one in open_holds(world, payer)] == [placed.id]
    assert_clean(world)


def test_a_scheduled_transfer_has_waited_since_its_time_and_not_since_its_acceptance(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 1, terms=later())
    world.submit(sent)
    world.query("UPDATE transfers SET created_at = created_at - interval '1 day'")
    begin(world, sent)
    queue_due(world)

    [(oldest_s,)] = world.query(f"SELECT oldest_s FROM ({statement('queue/measure')}) measured WHERE transfers > 0")
    waiting = f"SELECT shard FROM ({statement('sweep/list_waiting_shards').replace('%(waited_s)s', '%s')}) waiting"

    assert oldest_s < 60
    assert world.query(waiting, 60.0) == []
    assert world.query(waiting, 0.0) == [(sent.shard,)]


def test_the_deadline_of_a_scheduled_transfer_counts_from_its_place_in_the_queue(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    in_time, late = (transfer(payer, payee, 1, terms=later(apply_within_s=60)) for _ in range(2))
    world.submit(in_time, late)
    assert world.transfer(in_time.id).apply_by is None
    begin(world, in_time, late)

    queue_due(world)

    apply_by = world.transfer(in_time.id).apply_by
    assert apply_by is not None
    assert timedelta(seconds=30) < apply_by - datetime.now(UTC) <= timedelta(seconds=61)
    world.query("UPDATE transfers SET apply_by = now() - interval '1 second' WHERE id = %s", late.id)
    world.drain()
    assert world.statuses(in_time.id, late.id) == [APPLIED, ("rejected", "deadline_passed")]


def test_a_thousand_due_at_one_instant_are_queued_once_by_three_sweepers(world: World) -> None:
    payer, payee = world.new_wallets(1000, 0)
    sent = [transfer(payer, payee, 1, terms=later()) for _ in range(1000)]
    world.submit(*sent)
    begin(world, *sent)

    with ExitStack() as opened, ThreadPoolExecutor(3) as threads:
        connections = [opened.enter_context(closing(connect_worker(world.url))) for _ in range(3)]
        for _ in range(4):
            list(threads.map(lambda one: one.execute(statement("sweep/queue_due"), ROOM | {"most": 1000}), connections))

    assert world.query("SELECT count(*), count(DISTINCT transfer_id) FROM queue") == [(1000, 1000)]
    assert world.drain() == 1000
    assert funds(world, payee) == (1000, 1000)
    assert_clean(world)


def test_what_is_due_fills_no_queue_and_a_shard_with_much_of_it_delays_no_other(world: World) -> None:
    busy, quiet, payee = world.new_wallet(3000, shard=2), world.new_wallet(10, shard=3), world.new_wallet()
    many = [transfer(busy, payee, 1, terms=later()) for _ in range(100)]
    one = transfer(quiet, payee, 1, terms=later())
    world.submit(*many, one)
    begin(world, *many, one)

    queued: list[Any] = []
    for _ in range(3):
        queue_due(world, most=40, least=3)
        queued.append(world.query("SELECT shard, count(*) FROM queue GROUP BY shard ORDER BY shard"))

    assert queued == [[(2, 40), (3, 1)], [(2, 43), (3, 1)], [(2, 46), (3, 1)]]  # a long queue takes a few all the same
    assert_clean(world)


def test_a_flood_is_queued_without_a_pause_between_the_sweeps(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(1000, 0)
    sent = [transfer(payer, payee, 1, terms=later()) for _ in range(2 * DUE_MOST + 1)]
    world.submit(*sent)
    begin(world, *sent)

    assert [(sweeper.run_once(), sweeper.more_due) for _ in range(3)] == [(DUE_MOST, True), (DUE_MOST, True), (1, False)]


def test_the_release_of_an_expired_hold_is_repeated_when_it_was_given_up_on(world: World, sweeper: Sweeper) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 70)
    assert settle(world, placed) == [APPLIED]
    end(world, placed)
    for given_up in (1, 2):
        assert queue_due(world) == [placed.shard]
        assert queue_due(world) == []
        [(expiry,)] = world.query("SELECT id FROM transfers WHERE parent = %s AND status = 'queued'", placed.id)
        with closing(Applier(lambda: connect_worker(world.url))) as applier:
            assert applier.reject(placed.shard, expiry) == 1
        assert world.query("SELECT count(*) FROM due WHERE due_at BETWEEN now() AND now() + interval '1 hour'") == [(1,)]
        assert world.query("SELECT count(*) FROM transfers WHERE failure_code = 'internal'") == [(given_up,)]
        assert_clean(world)
        end(world, placed)

    assert sweeper.run_once() == 1

    assert funds(world, payer) == (100, 100)
    keys = world.query("SELECT idempotency_key FROM transfers WHERE type = 'release' ORDER BY id")
    first = f"expiry {ids.text(Prefix.TRANSFER, placed.id)}"
    assert keys == [(first,), (f"{first} 1",), (f"{first} 2",)]
    assert_clean(world)


def test_a_flush_of_redis_loses_no_hold_and_no_appointment(world: World, sweeper: Sweeper) -> None:
    """What is due is rows alone: no drain or sweeper here has a Redis at all."""
    payer, payee = world.new_wallets(2000, 0)
    holds = [hold(payer, payee, 1) for _ in range(1000)]
    world.submit(*holds)
    world.drain()
    assert funds(world, payer) == (2000, 1000)
    end(world, *holds)

    while sweeper.run_once() or sweeper.more_due:
        pass

    assert funds(world, payer) == (2000, 2000)
    assert world.query("SELECT count(*) FROM due") == [(0,)]
    assert_clean(world)


def test_a_reversal_has_no_end_and_a_hold_of_a_rejected_batch_none(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    paid = transfer(payer, payee, 100)

    assert settle(world, paid, hold(payer, payee, 1)) == [APPLIED, ("rejected", "insufficient_funds")]
    assert settle(world, reversal(paid, 1)) == [APPLIED]

    assert world.query("SELECT transfer_id FROM due") == []


def test_lists_of_what_is_scheduled_open_and_of_children(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed, other = hold(payer, payee, 10), hold(payer, payee, 10)
    taken, given = capture(placed, 4), release(placed, 1)
    appointment, waits = transfer(payer, payee, 5, terms=later()), transfer(payer, payee, 5)
    assert settle(world, placed, other, taken, given) == [APPLIED] * 4
    world.submit(appointment, waits)

    def listed(**filters: Any) -> set[UUID]:
        asked: dict[str, Any] = {"wallet_id": None, "status": None, "key": None, "before": ids.LAST, "limit": 50, **filters}
        return {one.id for one in world.ask(lambda database: transfer_lists.list_page(database, **asked)).rows}

    assert listed(status="scheduled") == listed(status="scheduled", wallet_id=payee) == {appointment.id}
    assert listed(status="queued") == listed(status="queued", wallet_id=payer) == {waits.id}
    assert listed(parent=placed.id) == listed(parent=placed.id, wallet_id=payer) == {taken.id, given.id}
    assert listed(parent=placed.id, type="capture") == {taken.id}
    assert listed(parent=placed.id, status="rejected") == listed(parent=placed.id, wallet_id=world.new_wallet()) == set()
    assert listed(type="hold") == {placed.id, other.id}
    assert listed(status="scheduled", key=("operator", appointment.idempotency_key)) == {appointment.id}
    assert listed(status="queued", key=("operator", appointment.idempotency_key)) == set()
    assert {one.id for one in open_holds(world, payer)} == {placed.id, other.id}
    begin(world, appointment)  # it waits for a worker now, although it has no place in the queue yet
    assert listed(status="scheduled") == set()
    assert listed(status="queued") == listed(status="queued", wallet_id=payer) == {waits.id, appointment.id}


def test_the_releases_of_many_holds_are_stored_by_one_call(world: World, connection: psycopg.Connection[Any]) -> None:
    """A call of the function costs four times as much as a row that it stores."""
    payer, payee = world.new_wallets(100, 0)
    holds = [hold(payer, payee, 1) for _ in range(100)]
    world.submit(*holds)
    world.drain()
    end(world, *holds)

    with connection.transaction():
        connection.execute("SET LOCAL track_functions = 'all'")
        connection.execute(statement("sweep/queue_due"), {"most": 100, "least": 1})
        calls = connection.execute("SELECT funcname, calls FROM pg_stat_xact_user_functions").fetchall()

    assert dict(calls)["release_expired"] == 1
    assert dict(calls)["typeid"] == 100
    assert world.query("SELECT count(*) FROM queue") == [(100,)]
