"""Transfers with several debits or credits in the transaction that moves money, against a real database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from core import events, ids, transfer_lists, transfers
from core.admin.audit import audit
from core.events import FEED_START
from core.queued_transfer import BATCH_LINES_MAX
from core.transfers import Submission, Terms
from tests.world import (
    World,
    capture,
    capture_for,
    hold,
    multi_leg,
    new_id,
    reversal,
    transfer,
    whole_reversal,
)
from worker.ledger.batch_limit import BATCH_MAX

APPLIED, POOR, CLOSED = ("applied", None), ("rejected", "insufficient_funds"), ("rejected", "hold_closed")
EXCEEDED = ("rejected", "reversal_exceeded")


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def settle(world: World, *sent: Submission) -> list[tuple[str, str | None]]:
    """Store these in one batch, drain all, and return what became of them."""
    world.submit(*sent)
    world.drain()
    return world.statuses(*(one.id for one in sent))


def balances(world: World, *wallets: UUID) -> list[int]:
    return [world.balance(wallet) for wallet in wallets]


def split(world: World, of: int = 100) -> tuple[list[UUID], Submission]:
    """A payer with that balance, a payee and a fee wallet, and an applied split of 60: 50 for the payee, 10 for the fee."""
    wallets = world.new_wallets(of, 0, 0)
    payer, payee, fee = wallets
    sent = multi_leg({payer: 60}, {payee: 50, fee: 10})
    assert settle(world, sent) == [APPLIED]
    return wallets, sent


def test_a_split_debits_its_payer_once_and_credits_each_wallet(world: World) -> None:
    (payer, payee, fee), sent = split(world)

    found = world.transfer(sent.id)
    assert balances(world, payer, payee, fee) == [40, 50, 10]
    assert [(entry.wallet_id, entry.amount) for entry in found.entries] == [(payer, -60), (payee, 50), (fee, 10)]
    assert (found.amount, found.moved, found.lines) == (60, 60, sent.lines)
    assert_clean(world)


def test_several_wallets_are_debited_in_one_transaction_across_shards(world: World) -> None:
    a, b = world.new_wallet(100, shard=1), world.new_wallet(50, shard=9)
    c, d = world.new_wallets(0, 0, shard=4)

    assert settle(world, multi_leg({a: 30, b: 20}, {c: 5, d: 45})) == [APPLIED]

    assert balances(world, a, b, c, d) == [70, 30, 5, 45]
    assert_clean(world)


def test_one_wallet_without_funds_refuses_the_whole(world: World) -> None:
    a, b, c = world.new_wallets(100, 19, 0)
    poor = multi_leg({a: 30, b: 20}, {c: 50})

    assert settle(world, poor) == [POOR]

    assert balances(world, a, b, c) == [100, 19, 0]
    assert (world.transfer(poor.id).moved, world.transfer(poor.id).entries) == (0, [])
    assert_clean(world)


def test_what_stands_before_it_in_the_queue_counts_for_each_of_its_wallets(world: World) -> None:
    """And what stands behind it sees all of it."""
    a, b, c = world.new_wallets(100, 0, 0, shard=3)

    statuses = settle(world, transfer(a, b, 60), multi_leg({a: 40, b: 60}, {c: 100}), transfer(c, a, 100), transfer(b, a, 1))

    assert statuses == [APPLIED, APPLIED, APPLIED, POOR]
    assert balances(world, a, b, c) == [100, 0, 0]
    assert_clean(world)


def test_a_multi_leg_transfer_is_reversed_whole_and_once(world: World) -> None:
    (payer, payee, fee), sent = split(world)

    assert settle(world, whole_reversal(sent), whole_reversal(sent)) == [APPLIED, EXCEEDED]

    assert balances(world, payer, payee, fee) == [100, 0, 0]
    assert (world.transfer(sent.id).returned, world.transfer(sent.id).remaining) == (60, 0)
    assert_clean(world)


def test_a_reversal_of_a_split_takes_nothing_from_one_payee_if_another_has_spent_its_part(world: World) -> None:
    (payer, payee, fee), sent = split(world)

    assert settle(world, transfer(fee, payer, 1), whole_reversal(sent)) == [APPLIED, POOR]

    assert balances(world, payer, payee, fee) == [41, 50, 9]
    assert world.transfer(sent.id).remaining == 60
    assert_clean(world)


def test_a_reversal_that_does_not_name_the_lines_of_its_parent_moves_nothing(world: World) -> None:
    """As an API of an older version would send it: of the first two wallets alone."""
    wallets, sent = split(world)

    assert settle(world, reversal(sent), reversal(sent, 50)) == [EXCEEDED, EXCEEDED]

    assert balances(world, *wallets) == [40, 50, 10]


def test_a_capture_pays_several_wallets_and_gives_the_rest_back(world: World) -> None:
    payer, payee, fee, other = world.new_wallets(100, 0, 0, 0)
    placed = hold(payer, payee, 80)
    parts = [capture_for(placed, {payee: 30, fee: 5}), capture_for(placed, {other: 10}, closes=True), capture(placed)]

    assert settle(world, placed, *parts) == [APPLIED] * 3 + [CLOSED]

    found = world.transfer(placed.id)
    assert (found.captured, found.returned) == (45, 35)
    assert balances(world, payer, payee, fee, other) == [55, 30, 5, 10]
    assert world.wallet(payer).held == 0
    assert_clean(world)


def test_a_capture_of_several_wallets_that_is_more_than_what_is_left_moves_nothing(world: World) -> None:
    payer, payee, fee = world.new_wallets(100, 0, 0)
    placed = hold(payer, payee, 40)

    assert settle(world, placed, capture_for(placed, {payee: 40, fee: 1})) == [APPLIED, ("rejected", "hold_exceeded")]

    assert (balances(world, payer, payee, fee), world.wallet(payer).held) == ([100, 0, 0], 40)
    assert_clean(world)


def test_a_capture_with_two_lines_is_reversed_in_parts_and_one_with_more_as_a_whole(world: World) -> None:
    payer, payee, fee, other = world.new_wallets(100, 0, 0, 0)
    placed = hold(payer, payee, 80)
    two, three = capture_for(placed, {other: 20}), capture_for(placed, {payee: 30, fee: 5})
    assert settle(world, placed, two, three) == [APPLIED] * 3

    assert settle(world, reversal(two, 5), reversal(two), whole_reversal(three)) == [APPLIED] * 3

    assert balances(world, payer, payee, fee, other) == [100, 0, 0, 0]
    assert_clean(world)


def test_a_capture_with_lines_is_of_its_own_source_alone(world: World) -> None:
    """The API sends none of another source."""
    payer, payee, other = world.new_wallets(100, 0, 100)
    placed = hold(payer, payee, 80)

    assert settle(world, placed, capture_for(hold(other, payee, 10), {payee: 5, payer: 5}, parent=placed.id)) == [APPLIED, CLOSED]

    assert balances(world, payer, payee, other) == [100, 0, 100]


def test_lines_are_stored_between_clients_wallets_that_exist_and_no_others(world: World) -> None:
    a, b = world.new_wallets(100, 0)
    absent = multi_leg({a: 2}, {b: 1, new_id(): 1})
    outside = multi_leg({a: 2}, {b: 1, ids.external_wallet(3): 1})

    assert world.submit(absent, outside) == []

    assert world.query("SELECT count(*) FROM parties") == [(0,)]


@pytest.mark.parametrize("when", ["queued", "scheduled"])
def test_a_canceled_one_changes_nothing_and_is_final(world: World, when: str) -> None:
    a, b, c = world.new_wallets(100, 0, 0)
    at = datetime.now(UTC) + timedelta(hours=1) if when == "scheduled" else None
    sent = multi_leg({a: 60}, {b: 50, c: 10}, Terms(scheduled_for=at))
    world.submit(sent)

    assert world.ask(lambda database: transfers.cancel(database, sent.id)) is not None

    world.drain(sent.shard)
    assert (world.statuses(sent.id), balances(world, a, b, c)) == ([("canceled", None)], [100, 0, 0])
    assert_clean(world)


def test_one_whose_deadline_has_passed_is_rejected_whole(world: World) -> None:
    a, b, c = world.new_wallets(100, 0, 0)
    sent = multi_leg({a: 60}, {b: 50, c: 10}, Terms(apply_within_s=60))
    world.submit(sent)
    world.query("UPDATE transfers SET apply_by = now() - interval '1 second' WHERE id = %s", sent.id)

    world.drain()

    assert world.statuses(sent.id) == [("rejected", "deadline_passed")]
    assert_clean(world)


def test_a_batch_ends_at_a_thousand_lines_and_the_next_one_goes_on(world: World) -> None:
    payer, *payees = world.new_wallets(1_000, *[0] * 31, shard=7)
    sent = [multi_leg({payer: 31}, dict.fromkeys(payees, 1)) for _ in range(32)]
    world.submit(*sent, transfer(payer, payees[0], 1))

    with closing(world.applier()) as applier:
        batches = [applier.apply([7], BATCH_MAX) for _ in range(3)]

    assert [(batch.finished, batch.full) for batch in batches] == [(BATCH_LINES_MAX // 32, True), (2, False), (0, False)]
    assert world.balance(payer) == 1_000 - 31 * 32 - 1
    assert_clean(world)


def test_the_batch_that_ends_early_takes_nothing_of_a_shard_behind_it_and_forgets_none_of_its_transfers(world: World) -> None:
    payer, *payees = world.new_wallets(1_000, *[0] * 31, shard=7)
    other = world.new_wallet(10, shard=2)
    sent = [multi_leg({payer: 31}, dict.fromkeys(payees, 1)) for _ in range(31)]
    last = transfer(other, payer, 1)
    world.submit(*sent, *[multi_leg({payer: 2}, {payees[0]: 1, payees[1]: 1}) for _ in range(3)], last)

    with closing(world.applier()) as applier:
        finished = [applier.apply([7, 2], BATCH_MAX).finished for _ in range(2)]

    assert finished == [33, 2]
    assert world.statuses(last.id) == [APPLIED]
    assert_clean(world)


def test_no_reader_sees_a_line_of_it_without_the_others(world: World) -> None:
    """Its entries and its balances are written, its verdict waits for a lock."""
    payer, payee, fee = world.new_wallets(100, 0, 0)
    sent = multi_leg({payer: 60}, {payee: 50, fee: 10})
    world.submit(sent)

    with ThreadPoolExecutor() as threads, closing(world.drainer(lock_timeout="4s")) as drainer:
        with psycopg.connect(world.owner_url) as holder:
            holder.execute("SELECT FROM transfers WHERE id = %s FOR UPDATE", [sent.id])
            answer = threads.submit(drainer.run, [sent.shard])
            world.wait_until_blocked()
            assert_clean(world)
            assert (
                balances(world, payer, payee, fee),
                world.query("SELECT count(*) FROM entries WHERE transfer_id = %s", sent.id),
            ) == (
                [100, 0, 0],
                [(0,)],
            )
        answer.result(20)

    assert world.statuses(sent.id) == [APPLIED]
    assert_clean(world)


def test_it_takes_its_turn_in_the_queue_of_its_first_debited_wallet(world: World) -> None:
    first, second = world.new_wallet(100, shard=2), world.new_wallet(50, shard=1)
    payee, fee = world.new_wallets(0, 0, shard=3)
    before, joint = transfer(first, payee, 60), multi_leg({first: 41, second: 9}, {payee: 49, fee: 1})
    behind = transfer(first, fee, 40)

    world.submit(before, joint, behind)
    assert joint.shard == 2
    assert world.drain(1, 3) == 0  # it has no place there
    world.drain(2)

    assert world.statuses(before.id, joint.id, behind.id) == [APPLIED, POOR, APPLIED]
    assert_clean(world)


def test_each_of_its_wallets_finds_it_in_its_list_and_in_its_feed(world: World) -> None:
    wallets, sent = split(world)

    for wallet in wallets:
        assert found_by(world, wallet, sent.id) == [[sent.id]] * 4
    assert found_by(world, world.new_wallet(), sent.id) == [[]] * 4


def found_by(world: World, wallet: UUID, id: UUID) -> list[list[UUID]]:
    """The transfers, no deposits, in a wallet's list, in its feed by a window of all and by its own, and as its event."""
    listed = world.ask(
        lambda database: transfer_lists.list_page(
            database, wallet_id=wallet, status="applied", key=None, type="transfer", before=ids.LAST, limit=10
        )
    )
    client_id = world.client_of(wallet)
    event = world.ask(lambda database: events.find(database, id, client_id=client_id))
    return [
        [row.id for row in listed.rows],
        feed_of(world, wallet, window=5_000),
        feed_of(world, wallet, window=1),
        [event.transfer.id] if isinstance(event, events.Event) else [],
    ]


def feed_of(world: World, wallet: UUID, *, window: int) -> list[UUID]:
    client_id = world.client_of(wallet)
    page = world.ask(
        lambda database: events.list_page_of(database, owner="cli_", client_id=client_id, after=FEED_START, limit=10, window=window)
    )
    return [event.transfer.id for event in page if isinstance(event, events.Event) and event.transfer.type == "transfer"]


def test_a_worker_of_an_older_version_can_neither_apply_lines_nor_reverse_a_part_of_them(world: World) -> None:
    """It writes what it knows; the database says that a worker of a newer version is needed, as it says of a fault that passes."""
    wallets, sent = split(world)
    queued = multi_leg({wallets[0]: 2}, {wallets[1]: 1, wallets[2]: 1})
    world.submit(queued)

    applied = "status = 'applied', finished_at = now(), moment = 1, ordinal = 1"
    for id, change in ((queued.id, applied), (queued.id, f"{applied}, moved = 2"), (sent.id, "returned = 60")):
        with pytest.raises(errors.FeatureNotSupported, match="needs a worker of a newer version"):
            world.query(f"UPDATE transfers SET {change} WHERE id = %s", id)
