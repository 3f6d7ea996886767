"""Holds, captures, releases, reversals, withdrawals and deadlines in the transaction that moves money, against a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from core import ids, transfer_lists, transfers
from core.admin.audit import audit
from core.transfers import Submission, Terms, Transfer
from tests.world import World, capture, deposit, hold, new_id, release, reversal, transfer, withdrawal
from worker.ledger.apply import Batch
from worker.ledger.batch_limit import BATCH_MAX

APPLIED, CLOSED = ("applied", None), ("rejected", "hold_closed")


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def funds(world: World, wallet: UUID) -> tuple[int, int]:
    """The wallet's balance, and what of it is available."""
    found = world.wallet(wallet)
    return found.balance, found.available


def settle(world: World, *sent: Submission) -> list[tuple[str, str | None]]:
    """Store these in one batch, drain all, and return what became of them."""
    world.submit(*sent)
    world.drain()
    return world.statuses(*(one.id for one in sent))


@pytest.fixture
def held(world: World) -> tuple[UUID, UUID, Submission]:
    """A payer with 100 of whose 500 a hold for the payee has reserved, and the hold."""
    payer, payee = world.new_wallets(500, 0)
    placed = hold(payer, payee, 100)
    assert settle(world, placed) == [APPLIED]
    return payer, payee, placed


def test_a_hold_reserves_and_moves_nothing(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, payee, placed = held

    found = world.transfer(placed.id)
    assert (found.entries, found.moved, found.remaining) == ([], 100, 100)
    assert found.expires_at == found.created_at + timedelta(hours=1)
    assert (funds(world, payer), funds(world, payee)) == ((500, 400), (0, 0))
    assert world.wallet(payer).version == 1
    assert_clean(world)


def test_captures_of_parts_a_release_and_a_final_capture_use_a_hold_up(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, payee, placed = held
    parts = [capture(placed, 30), release(placed, 10), capture(placed, 20, closes=True), capture(placed, 1)]

    assert settle(world, *parts) == [APPLIED] * 3 + [CLOSED]

    found = world.transfer(placed.id)
    assert (found.captured, found.returned, found.remaining) == (50, 50, 0)
    assert (funds(world, payer), funds(world, payee)) == ((450, 450), (50, 50))
    assert world.transfer(parts[0].id).entries[0].amount == -30
    assert open_holds(world, payer) == []
    assert_clean(world)


def test_what_is_left_of_a_hold_is_carried_from_batch_to_batch(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, payee, placed = held
    parts = [capture(placed, 40) for _ in range(3)]
    world.submit(*parts)

    with closing(world.applier()) as applier:
        assert [applier.apply([placed.shard], 1) for _ in parts] == [Batch(1, full=True)] * 3

    assert world.statuses(*(one.id for one in parts)) == [APPLIED, APPLIED, ("rejected", "hold_exceeded")]
    assert (funds(world, payer), funds(world, payee)) == ((420, 400), (80, 80))
    assert [one.remaining for one in open_holds(world, payer)] == [20]
    assert_clean(world)


def test_of_two_captures_of_all_the_second_is_refused(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, payee, placed = held

    assert settle(world, capture(placed), capture(placed)) == [APPLIED, CLOSED]

    assert (funds(world, payer), funds(world, payee)) == ((400, 400), (100, 100))
    assert_clean(world)


def test_a_capture_that_follows_its_hold_at_once_is_applied_after_it(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)

    assert settle(world, placed, capture(placed), hold(payer, payee, 1)) == [APPLIED, APPLIED, ("rejected", "insufficient_funds")]

    assert funds(world, payee) == (100, 100)
    assert_clean(world)


def test_a_capture_of_a_hold_that_was_refused_is_refused(world: World) -> None:
    payer, payee = world.new_wallets(99, 0)
    placed = hold(payer, payee, 100)

    assert settle(world, placed, capture(placed), release(placed)) == [("rejected", "insufficient_funds"), CLOSED, CLOSED]

    assert funds(world, payer) == (99, 99)
    assert_clean(world)


def test_of_six_holds_of_1000_on_5000_five_are_applied(world: World) -> None:
    payer, payee = world.new_wallets(5000, 0)

    outcomes = settle(world, *(hold(payer, payee, 1000) for _ in range(6)))

    assert outcomes == [APPLIED] * 5 + [("rejected", "insufficient_funds")]
    assert funds(world, payer) == (5000, 0)
    assert len(open_holds(world, payer)) == 5
    assert_clean(world)


def test_what_is_reserved_is_not_there_for_a_transfer(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, payee, placed = held

    outcomes = settle(world, transfer(payer, payee, 401), transfer(payer, payee, 400), release(placed), transfer(payer, payee, 100))

    assert outcomes == [("rejected", "insufficient_funds"), APPLIED, APPLIED, APPLIED]
    assert funds(world, payer) == (0, 0)
    assert_clean(world)


def test_a_payout_is_held_captured_and_comes_back(world: World) -> None:
    payer = world.new_wallet(500)
    placed = hold(payer, None, 200)
    paid_out = capture(placed)

    assert settle(world, placed, paid_out) == [APPLIED, APPLIED]
    assert funds(world, payer) == (300, 300)
    assert settle(world, reversal(paid_out, 50)) == [APPLIED]

    assert funds(world, payer) == (350, 350)
    assert world.balance(ids.external_wallet(placed.shard)) == -350
    assert_clean(world)


def test_a_withdrawal_goes_to_the_external_wallet_of_its_shard_and_can_be_reversed(world: World) -> None:
    wallet = world.new_wallet(100)
    taken = withdrawal(wallet, 70)

    assert settle(world, taken, withdrawal(wallet, 31)) == [APPLIED, ("rejected", "insufficient_funds")]
    assert funds(world, wallet) == (30, 30)
    assert settle(world, reversal(taken), reversal(taken, 1)) == [APPLIED, ("rejected", "reversal_exceeded")]

    assert funds(world, wallet) == (100, 100)
    assert world.transfer(taken.id).returned == 70
    assert_clean(world)


def test_a_deposit_is_charged_back(world: World) -> None:
    wallet = world.new_wallet()
    paid_in = deposit(wallet, 100)
    assert settle(world, paid_in) == [APPLIED]

    assert settle(world, reversal(paid_in, 40), reversal(paid_in)) == [APPLIED, APPLIED]

    assert funds(world, wallet) == (0, 0)
    assert_clean(world)


def test_of_two_reversals_of_60_on_100_the_second_is_refused(world: World) -> None:
    payer, payee = world.new_wallet(100, shard=3), world.new_wallet(500, shard=8)
    paid = transfer(payer, payee, 100)
    assert settle(world, paid) == [APPLIED]

    assert settle(world, reversal(paid, 60), reversal(paid, 60)) == [APPLIED, ("rejected", "reversal_exceeded")]

    assert (funds(world, payer), funds(world, payee)) == ((60, 60), (540, 540))
    assert_clean(world)


def test_reversals_in_different_batches_share_what_was_moved(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """Two drains of the shard at once: the second claims when the first has committed."""
    payer, payee = world.new_wallet(100, shard=3), world.new_wallet(500, shard=8)
    paid = transfer(payer, payee, 100)
    assert settle(world, paid) == [APPLIED]
    both = [reversal(paid, 60), reversal(paid, 60)]
    world.submit(both[0])
    drainers = [world.drainer(lock_timeout="4s") for _ in range(2)]

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [payer])
        first = threads.submit(drainers[0].run, [both[0].shard])
        world.wait_until_blocked()
        world.submit(both[1])
        second = threads.submit(drainers[1].run, [both[0].shard])
        second.result(20)
    first.result(20)
    world.drain()

    assert world.statuses(*(one.id for one in both)) == [APPLIED, ("rejected", "reversal_exceeded")]
    assert_clean(world)
    for drainer in drainers:
        drainer.close()


def test_what_is_left_of_a_parent_is_read_under_the_locks_of_its_wallets(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """Two reversals in two shards, as only a stolen password could store them: no shard's lock is between them."""
    payer, payee = world.new_wallet(100, shard=3), world.new_wallet(500, shard=8)
    paid = transfer(payer, payee, 100)
    assert settle(world, paid) == [APPLIED]
    both = [reversal(paid, 60), replace(reversal(paid, 60), shard=3)]
    world.submit(*both)
    drainers = [world.drainer(lock_timeout="4s") for _ in both]

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = ANY(%s) FOR UPDATE", [[payer, payee]])
        drains = [threads.submit(drainer.run, [one.shard]) for drainer, one in zip(drainers, both, strict=True)]
        world.wait_until_blocked(2)
    assert [drain.result(20) for drain in drains] == [1, 1]

    assert sorted(world.statuses(*(one.id for one in both)), key=str) == [APPLIED, ("rejected", "reversal_exceeded")]
    assert world.transfer(paid.id).returned == 60
    for drainer in drainers:
        drainer.close()


def test_a_reversal_of_money_that_was_spent_is_refused_or_takes_what_is_there(world: World) -> None:
    payer, payee, shop = world.new_wallets(100, 0, 0)
    paid = transfer(payer, payee, 100)
    assert settle(world, paid, transfer(payee, shop, 75)) == [APPLIED, APPLIED]

    outcomes = settle(world, reversal(paid), reversal(paid, fit="rest_and_funds"), reversal(paid, 5, fit="funds"))

    assert outcomes == [("rejected", "insufficient_funds"), APPLIED, ("rejected", "insufficient_funds")]
    assert (funds(world, payer), funds(world, payee)) == ((25, 25), (0, 0))
    assert world.transfer(paid.id).returned == 25
    assert_clean(world)


def test_an_open_amount_shows_what_it_came_to(world: World) -> None:
    payer, payee = world.new_wallets(70, 0)
    swept = transfer(payer, payee, 1000, terms=Terms(fit="funds"))
    world.submit(swept)
    assert world.transfer(swept.id).total == 1000

    world.drain()

    found = world.transfer(swept.id)
    assert (found.amount, found.total, found.entries[1].amount) == (1000, 70, 70)
    assert_clean(world)


def test_a_drain_that_begins_after_the_deadline_refuses(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    in_time, late = (transfer(payer, payee, 1, terms=Terms(apply_within_s=60)) for _ in range(2))
    world.submit(in_time, late)
    assert world.transfer(late.id).apply_by == world.transfer(late.id).created_at + timedelta(seconds=60)
    world.query("UPDATE transfers SET apply_by = now() - interval '1 microsecond' WHERE id = %s", late.id)

    world.drain()

    assert world.statuses(in_time.id, late.id) == [APPLIED, ("rejected", "deadline_passed")]
    assert world.transfer(late.id).moved == 0
    assert_clean(world)


def test_a_late_drain_refuses_whatever_else_is_against_it(world: World) -> None:
    payer, payee = world.new_wallets(1, 0)
    late = hold(payer, payee, 100, apply_within_s=1)
    world.submit(late)
    world.query("UPDATE transfers SET apply_by = created_at - interval '1 second' WHERE id = %s", late.id)

    world.drain()

    assert world.statuses(late.id) == [("rejected", "deadline_passed")]


@pytest.mark.parametrize(("accepted_ms", "outcome"), [(-1, APPLIED), (0, CLOSED), (1, CLOSED)])
def test_a_capture_counts_by_its_acceptance_however_late_the_drain_is(
    world: World, held: tuple[UUID, UUID, Submission], accepted_ms: int, outcome: tuple[str, str | None]
) -> None:
    """No sweeper runs here, and the drain comes when the hold has long ended."""
    _, _, placed = held
    asked = capture(placed)
    world.submit(asked)
    world.query("UPDATE transfers SET expires_at = now() - interval '1 hour' WHERE id = %s", placed.id)
    world.query("UPDATE due SET due_at = now() - interval '1 hour' + interval '1 second'")
    world.query(
        "UPDATE transfers SET created_at = (SELECT expires_at FROM transfers WHERE id = %s) + make_interval(secs => %s)"
        " WHERE id = %s",
        *(placed.id, accepted_ms / 1000, asked.id),
    )

    world.drain()

    assert world.statuses(asked.id) == [outcome]


def test_a_child_of_another_wallets_transfer_takes_nothing(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    """The API names no such parent: only a stolen password could store one."""
    payer, _, placed = held
    thief = world.new_wallet()
    forged = capture(placed)
    forged = transfer(payer, thief, 100, type="capture", terms=forged.terms)

    assert settle(world, forged) == [CLOSED]

    assert funds(world, payer) == (500, 400)
    assert {check for check, found in audit(world.url).counts.items() if found} == {"children"}


def test_plain_and_special_transfers_of_one_batch_keep_the_order_of_arrival(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 100)
    sent = [transfer(payer, payee, 60), placed, transfer(payer, payee, 40), hold(payer, payee, 1)]

    world.submit(*sent)

    order = world.query("SELECT transfer_id FROM queue ORDER BY position")
    assert [id for (id,) in order] == [one.id for one in sent]


def test_what_was_just_stored_is_what_a_read_returns(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    soon = datetime.now(UTC) + timedelta(hours=1)
    placed = hold(payer, payee, 10, apply_within_s=5)
    sent = [
        placed,
        hold(payer, None, 10, scheduled_for=soon, apply_within_s=5),
        capture(placed, 4, closes=True),
        release(placed),
        transfer(payer, payee, 5, terms=Terms(fit="funds", scheduled_for=soon)),
        transfer(payer, payee, 5),
        withdrawal(payer, 5),
    ]

    stored = {one.id: one.created_at for one in world.submit(*sent)}

    expected: list[Transfer] = [transfers.just_queued(one, stored[one.id]) for one in sent]
    assert [world.transfer(one.id) for one in sent] == expected


def test_a_repeated_special_submission_is_stored_once(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    placed = hold(payer, payee, 10)

    assert [one.id for one in world.submit(placed, replace(placed, id=new_id()))] == [placed.id]
    assert world.submit(placed) == []

    assert world.query("SELECT count(*) FROM queue") == [(1,)]


def test_a_special_transfer_that_fails_again_and_again_is_given_up_on(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, _, placed = held
    world.query(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no known reason'; END$$;"
        " CREATE TRIGGER fail BEFORE INSERT ON entries EXECUTE FUNCTION fail()"
    )

    assert settle(world, capture(placed, 60)) == [("rejected", "internal")]

    world.query("DROP FUNCTION fail CASCADE")
    assert funds(world, payer) == (500, 400)
    assert [one.remaining for one in open_holds(world, payer)] == [100]
    assert_clean(world)


def test_a_batch_reads_what_is_special_only_if_something_is(world: World, held: tuple[UUID, UUID, Submission]) -> None:
    payer, payee, placed = held
    with closing(world.applier()) as applier:
        for _ in range(2):  # a statement is prepared when it comes for the second time
            world.submit(transfer(payer, payee, 1))
            applier.apply([placed.shard], BATCH_MAX)
        connection = applier._own.opened()  # the statements that its session has prepared
        prepared = "SELECT statement FROM pg_prepared_statements"
        plain = [text for (text,) in connection.execute(prepared)]
        for _ in range(2):
            world.submit(capture(placed, 1))
            applier.apply([placed.shard], BATCH_MAX)
        special = [text for (text,) in connection.execute(prepared)]

    assert not any("is_late" in text or "INTO due" in text for text in plain)
    assert any("is_late" in text for text in special)


def open_holds(world: World, wallet: UUID) -> list[Transfer]:
    return world.ask(lambda database: transfer_lists.list_open_holds(database, wallet, before=ids.LAST, limit=100))


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads
