"""Canceling a transfer that is queued or scheduled, and drains that apply it at the same moment."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import events, ids, metrics, transfers
from core.admin.audit import audit
from core.errors import Unavailable
from core.events import FEED_START
from core.postgres.statements import statement
from core.transfers import Canceled, Submission
from tests.hooks import fan_out, new_endpoint
from tests.integration.test_due import begin, expiry_of, later, queue_due
from tests.integration.test_verbs import APPLIED, CLOSED, funds, settle
from tests.world import World, capture, hold, reversal, transfer

CANCELED = ("canceled", None)
TOLD = Canceled(webhooks_due=False)


def cancel(world: World, one: Submission | UUID) -> Canceled | None:
    id = one.id if isinstance(one, Submission) else one
    return world.ask(lambda database: transfers.cancel(database, id))


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def test_a_queued_transfer_is_canceled_and_changes_nothing(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 60)
    world.submit(sent)

    counted = metrics.REGISTRY.get_sample_value("teller_transfers_canceled_total") or 0.0

    assert cancel(world, sent) == TOLD
    assert cancel(world, sent) is None
    assert world.drain() == 0
    assert metrics.REGISTRY.get_sample_value("teller_transfers_canceled_total") == counted + 1

    found = world.transfer(sent.id)
    assert (found.status, found.failure_code, found.entries) == ("canceled", None, [])
    assert found.finished_at is not None
    assert (funds(world, payer), funds(world, payee)) == ((100, 100), (0, 0))
    assert_clean(world)


def test_a_scheduled_transfer_is_canceled_and_never_due(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent, placed = (
        transfer(payer, payee, 60, terms=later(apply_within_s=5)),
        hold(payer, payee, 1, scheduled_for=later().scheduled_for),
    )
    world.submit(sent, placed)

    assert [cancel(world, sent), cancel(world, placed)] == [TOLD, TOLD]

    assert world.query("SELECT transfer_id FROM due") == []
    assert queue_due(world) == []
    assert world.statuses(sent.id, placed.id) == [CANCELED, CANCELED]
    assert_clean(world)


def test_a_hold_that_is_canceled_has_nothing_to_capture(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 60)
    world.submit(placed)
    assert cancel(world, placed) == TOLD

    assert settle(world, capture(placed)) == [CLOSED]

    assert funds(world, payer) == (100, 100)
    assert_clean(world)


def test_what_is_final_is_not_canceled(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    applied, refused = transfer(payer, payee, 60), transfer(payer, payee, 60)
    assert settle(world, applied, refused) == [APPLIED, ("rejected", "insufficient_funds")]

    assert [cancel(world, applied), cancel(world, refused), cancel(world, ids.mint())] == [None, None, None]

    assert world.statuses(applied.id, refused.id) == [APPLIED, ("rejected", "insufficient_funds")]
    assert_clean(world)


def test_the_release_of_an_expired_hold_is_not_canceled(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 60)
    assert settle(world, placed) == [APPLIED]
    world.query("UPDATE transfers SET expires_at = now() - interval '1 minute' WHERE id = %s", placed.id)
    world.query("UPDATE due SET due_at = now() - interval '59 seconds'")
    queue_due(world)

    assert cancel(world, expiry_of(world, placed)) is None

    assert world.drain() == 1
    assert funds(world, payer) == (100, 100)


def test_canceling_is_an_event_and_makes_webhooks_due(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent, told = (transfer(payer, payee, 1) for _ in range(2))
    world.submit(sent)
    cancel(world, sent)
    new_endpoint(world, "https://example.com/", events=["transfer.canceled"])
    world.submit(told)

    assert cancel(world, told) == Canceled(webhooks_due=True)

    found = world.ask(lambda database: events.list_page(database, after=FEED_START, limit=50))
    assert [events.type_of(one.transfer) for one in found if isinstance(one, events.Event)][-2:] == ["transfer.canceled"] * 2
    assert world.query("SELECT audience FROM fan_outs") == [("operators",)]
    assert_clean(world)


def test_endpoints_are_told_of_a_cancellation_if_they_asked_for_it(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    asked = [
        new_endpoint(world, "https://all.example.com/", events=["transfer.canceled"]),
        new_endpoint(world, "https://ada.example.com/", wallet_id=payer, events=["transfer.applied", "transfer.canceled"]),
    ]
    new_endpoint(world, "https://old.example.com/")
    new_endpoint(world, "https://ben.example.com/", wallet_id=payee, events=["transfer.rejected"])
    sent = transfer(payer, payee, 1, callback_url="https://hook.example.com/")
    world.submit(sent)
    cancel(world, sent)

    fan_out(world)

    made = {endpoint for (endpoint,) in world.query("SELECT endpoint_id FROM deliveries WHERE transfer_id = %s", sent.id)}
    assert made == {None, *(one.id for one in asked)}
    assert_clean(world)


def test_a_cancellation_waits_for_the_drain_that_has_the_shard(world: World, connection: psycopg.Connection[Any]) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 60)
    world.submit(sent)

    with closing(world.drainer(lock_timeout="4s")) as drainer, ThreadPoolExecutor() as threads:
        with connection.transaction():
            connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [payee])
            drained = threads.submit(drainer.run, [sent.shard])
            world.wait_until_blocked()
            answer = threads.submit(cancel, world, sent)
            world.wait_until_blocked(2)
        assert drained.result(20) == 1
        assert answer.result(20) is None

    assert world.statuses(sent.id) == [APPLIED]


def test_a_drain_passes_a_shard_by_in_which_something_is_being_canceled(world: World, connection: psycopg.Connection[Any]) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 60)
    world.submit(sent)

    with closing(world.drainer()) as drainer:
        with connection.transaction():
            connection.execute("SELECT cancel_transfer(%s)", [sent.id])
            assert drainer.run([sent.shard]) == 0
        assert drainer.run([sent.shard]) == 0

    assert world.statuses(sent.id) == [CANCELED]
    assert_clean(world)


def test_a_cancellation_that_waits_too_long_changes_nothing(world: World, connection: psycopg.Connection[Any]) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 60)
    world.submit(sent)

    async def ask(one: Any) -> Canceled | None:
        await one.execute("SET lock_timeout = '50ms'")
        row = await (await one.execute("SELECT cancel_transfer(%s)", [sent.id])).fetchone()
        return None if row is None else Canceled(row[0])

    with connection.transaction():
        connection.execute("SELECT FROM shards WHERE shard = %s FOR UPDATE", [sent.shard])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            world.run(ask)

    assert world.drain() == 1
    assert world.statuses(sent.id) == [APPLIED]


def test_canceling_while_the_sweeper_queues_it_finds_it_in_the_queue(world: World, connection: psycopg.Connection[Any]) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent = transfer(payer, payee, 60, terms=later(apply_within_s=60))
    world.submit(sent)
    begin(world, sent)

    with ThreadPoolExecutor() as threads:
        with connection.transaction():
            connection.execute(statement("sweep/queue_due"), {"most": 500, "least": 1})
            answer = threads.submit(cancel, world, sent)
            world.wait_until_blocked()
        assert answer.result(20) == TOLD

    assert world.query("SELECT transfer_id FROM queue") == []
    assert world.statuses(sent.id) == [CANCELED]
    assert_clean(world)


def test_under_a_drain_each_transfer_is_canceled_or_applied_and_never_both(world: World) -> None:
    payer, payee = world.new_wallets(3000, 0)
    sent = [transfer(payer, payee, 1) for _ in range(1500)]
    world.submit(*sent[:1000])
    world.submit(*sent[1000:])
    wanted = random.Random(7).sample(sent, 60)
    begun = threading.Event()

    def drain() -> int:
        with closing(world.applier(lock_timeout="4s")) as applier:
            begun.wait(10)
            done = 0
            while batch := applier.apply([sent[0].shard], 25).finished:
                done += batch
                time.sleep(0.002)  # between its transactions, as a worker that has other shards
            return done

    with ThreadPoolExecutor() as threads:
        drained = threads.submit(drain)
        begun.set()
        canceled = [one for one in wanted if try_cancel(world, one)]
        drained.result(60)
    world.drain()

    outcomes = dict(zip((one.id for one in sent), world.statuses(*(one.id for one in sent)), strict=True))
    assert {id for id, outcome in outcomes.items() if outcome == CANCELED} == {one.id for one in canceled}
    assert set(outcomes.values()) <= {CANCELED, APPLIED}
    assert world.balance(payee) == len(sent) - len(canceled)
    assert_clean(world)


def try_cancel(world: World, one: Submission) -> bool:
    try:
        return cancel(world, one) is not None
    except Unavailable:
        return False


def test_a_canceled_reversal_takes_nothing_of_its_parent(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    paid = transfer(payer, payee, 100)
    assert settle(world, paid) == [APPLIED]
    undone = reversal(paid, 60)
    world.submit(undone)
    assert cancel(world, undone) == TOLD

    assert settle(world, reversal(paid)) == [APPLIED]

    assert world.transfer(paid.id).returned == 100
    assert_clean(world)
