"""Previews beside what then happens: on one shard they agree to the entry, and they change nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import preview, transfers
from core import wallets as wallets_of
from core.postgres.connections import AsyncConnection
from core.preview import Preview
from core.transfers import Submission, Terms
from tests.world import (
    World,
    capture,
    closure,
    deposit,
    hold,
    multi_leg,
    release,
    reversal,
    transfer,
    whole_reversal,
    withdrawal,
)

SHARD = 5
OPEN_AMOUNT = Terms(fit="funds")
RULES: list[dict[str, Any]] = [
    *[{"frozen": None}] * 4,
    *({"frozen": what} for what in ("debits", "credits", "all")),
    *({"limits": {name: most}} for name in ("balance_max", "debit_max", "debits_per_day_max") for most in (None, 40)),
]


def previewed(world: World, submission: Submission) -> Preview:
    async def run(connection: AsyncConnection) -> Preview:
        async with connection.transaction():
            await preview.begin_snapshot(connection)
            return await preview.preview(connection, submission)

    return world.run(run)


def random_submission(dice: Random, wallets: list[UUID], parents: list[Submission]) -> Submission:
    """A submission of any type, of three wallets of one shard. A closure is rare: what touches its wallet is refused."""
    source, destination = dice.sample(wallets, 2)
    amount = dice.choice([1, 5, 50, 500])
    holds = [one for one in parents if one.type == "hold"]
    movements = [one for one in parents if one.type in ("transfer", "deposit", "withdrawal", "capture") and not one.lines]
    splits = [one for one in parents if one.type in ("transfer", "capture") and one.lines]
    [third] = {*wallets} - {source, destination}
    makers = [
        lambda: deposit(source, amount),
        lambda: transfer(source, destination, amount, terms=dice.choice([None, OPEN_AMOUNT])),
        lambda: withdrawal(source, amount, dice.choice([None, OPEN_AMOUNT])),
        lambda: hold(source, dice.choice([destination, None]), amount),
        lambda: (
            capture(dice.choice(holds), dice.choice([None, amount]), closes=dice.random() < 0.3) if holds else deposit(source, 7)
        ),
        lambda: release(dice.choice(holds), dice.choice([None, amount])) if holds else deposit(source, 7),
        lambda: reversal(dice.choice(movements), dice.choice([None, amount])) if movements else deposit(source, 7),
        lambda: multi_leg({source: amount + 2}, {destination: amount, third: 2}),
        lambda: multi_leg({source: amount, third: 2}, {destination: amount + 2}),
        lambda: whole_reversal(dice.choice(splits)) if splits else deposit(source, 7),
        lambda: closure(source, dice.choice([destination, None])) if dice.random() < 0.1 else deposit(source, 7),
    ]
    return dice.choice(makers)()


async def change_and_submit(
    wallet: UUID, changes: dict[str, Any], ahead: list[Submission], asked: Submission, connection: AsyncConnection
) -> Preview:
    """Change the wallet, submit what is ahead, preview what is asked and submit it, over one connection."""
    await wallets_of.change(connection, wallet, changes, key_id=None, reason="asked by the bank")
    for one in ahead:
        await transfers.insert(connection, [one])
    async with connection.transaction():
        await preview.begin_snapshot(connection)
        shown = await preview.preview(connection, asked)
    await transfers.insert(connection, [asked])
    return shown


@pytest.mark.parametrize("seed", range(3))
def test_a_preview_is_what_then_happens(world: World, seed: int) -> None:
    dice = Random(seed)
    wallets = world.new_wallets(100, 60, 0, shard=SHARD)
    parents: list[Submission] = []
    previews: list[tuple[Submission, int, Preview]] = []
    drainer = world.drainer()
    for _ in range(40):
        changed, changes = dice.choice(wallets), dice.choice(RULES)
        ahead = [random_submission(dice, wallets, parents) for _ in range(dice.randint(0, 3))]
        asked = random_submission(dice, wallets, [*parents, *ahead])
        previews.append((asked, len(ahead), world.run(partial(change_and_submit, changed, changes, ahead, asked))))
        drainer.run([SHARD])
        parents += [*ahead, asked]
    drainer.close()
    rows = world.ask(lambda database: transfers.find_all(database, [asked.id for asked, _, _ in previews]))
    found = {row.id: row for row in rows if row is not None}

    seen = set()
    for asked, ahead_of_it, shown in previews:
        happened = found[asked.id]
        assert (shown.queued_ahead, shown.complete) == (ahead_of_it, True)
        assert (shown.transfer.status, shown.transfer.failure_code) == (happened.status, happened.failure_code)
        assert (shown.transfer.available, shown.transfer.needed) == (happened.available, happened.needed)
        assert (shown.transfer.total, shown.transfer.entries) == (happened.total, happened.entries)
        assert (shown.transfer.finished_at, shown.transfer.parent) == (None, happened.parent)
        seen |= {(asked.type, happened.status)}
    assert len(seen) > 9


def test_a_preview_stores_nothing_and_waits_for_no_lock(world: World) -> None:
    source, destination = world.new_wallets(100, 0, shard=SHARD)
    world.submit(transfer(source, destination, 70))
    tables = [table for (table,) in world.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]

    def contents() -> list[object]:
        return [world.query(f"SELECT md5(array_agg(t::text ORDER BY t::text)::text) FROM {table} t") for table in tables]

    before = contents()
    with psycopg.connect(world.owner_url) as other:
        for locking in ("SELECT FROM shards FOR UPDATE", "SELECT FROM wallets FOR UPDATE"):
            other.execute(locking)

        shown = previewed(world, transfer(source, destination, 40))

    assert (shown.transfer.status, shown.transfer.failure_code) == ("rejected", "insufficient_funds")
    assert contents() == before


def test_a_preview_is_of_one_snapshot(world: World) -> None:
    """What is applied between two of its statements counts as queued, and not twice."""
    source, destination = world.new_wallets(100, 0, shard=SHARD)
    world.submit(transfer(source, destination, 60))
    asked = transfer(source, destination, 40)

    async def run(connection: AsyncConnection) -> Preview:
        async with connection.transaction():
            await preview.begin_snapshot(connection)
            await connection.execute("SELECT FROM queue")
            world_drains()
            return await preview.preview(connection, asked)

    def world_drains() -> None:
        assert drains.submit(world.drain).result() == 1

    with ThreadPoolExecutor(1) as drains:
        shown = world.run(run)

    assert (shown.transfer.status, shown.queued_ahead) == ("applied", 1)
    assert [entry.balance_after for entry in shown.transfer.entries] == [0, 100]


def test_a_preview_looks_at_a_thousand_and_says_that_there_are_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "QUEUED_MAX", 3)
    source, destination = world.new_wallets(100, 0, shard=SHARD)
    world.submit(*(transfer(source, destination, 10) for _ in range(3)))
    asked = transfer(source, destination, 70)

    assert previewed(world, asked)[1:] == (3, True)
    world.submit(transfer(source, destination, 1))

    shown = previewed(world, asked)
    assert (shown.transfer.status, shown.queued_ahead, shown.complete) == ("applied", 3, False)


def test_other_shards_are_not_looked_at(world: World) -> None:
    source, destination, third = (world.new_wallet(balance, shard=shard) for balance, shard in ((10, 1), (0, 2), (50, 3)))
    world.submit(transfer(third, source, 50), transfer(third, destination, 1))

    shown = previewed(world, transfer(source, destination, 40))

    assert (shown.transfer.status, shown.queued_ahead) == ("rejected", 0)


def test_a_scheduled_one_is_judged_as_if_its_time_had_come(world: World) -> None:
    [wallet] = world.new_wallets(100, shard=SHARD)
    later = Terms(scheduled_for=preview.EPOCH.replace(year=2030), apply_within_s=1)

    shown = previewed(world, withdrawal(wallet, 30, later))

    assert (shown.transfer.status, shown.transfer.total) == ("applied", 30)
    assert not shown.transfer.is_scheduled


def test_a_preview_of_a_hold_shows_its_end(world: World) -> None:
    source, destination = world.new_wallets(100, 0, shard=SHARD)
    asked = replace(hold(source, destination, 30, expires_in_s=60), reference="dinner")

    shown = previewed(world, asked).transfer

    assert (shown.status, shown.remaining, shown.entries, shown.reference) == ("applied", 30, [], "dinner")
    assert shown.expires_at is not None
    assert (shown.expires_at - shown.created_at).total_seconds() == 60
