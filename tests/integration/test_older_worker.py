"""A worker of a version before holds, or before lines, beside a schema that has them: it delays what it does not know.

It rejects nothing, and moves nothing of it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import TypeAlias

import pytest

from core.admin.audit import audit
from core.postgres.statements import statement
from core.transfers import Terms
from tests.integration.test_verbs import APPLIED, funds, settle
from tests.world import World, capture, capture_for, hold, multi_leg, reversal, transfer, whole_reversal
from worker.ledger import apply
from worker.ledger.batch_limit import ATTEMPTS_MAX
from worker.ledger.drain import Drainer

QUEUED = ("queued", None)

# What that version's statements said in place of these texts: it knew neither what is special, nor what is reserved, nor what a
# transfer came to.
OLDER = {
    "drain/claim_queue": (
        "NOT (parent IS NULL AND fit IS NULL AND expires_at IS NULL AND apply_within_s IS NULL AND wallet_ids IS NULL)\n",
        "false\n",
    ),
    "drain/lock_wallets": ("version, held", "version, 0::bigint AS held"),
    "drain/update_wallets": (", held = new.held", ""),
    "drain/finish_transfers": ("           moved = outcome.moved,\n", ""),
}

# And those of the version that knew all of it, but no lines.
BEFORE_LINES = {
    "drain/claim_queue": (" AND wallet_ids IS NULL)", ")"),
    "drain/find_specials": ("wallet_ids, amounts", "NULL::uuid[] AS wallet_ids, NULL::bigint[] AS amounts"),
    "drain/find_parents": ("wallet_ids, amounts", "NULL::uuid[] AS wallet_ids, NULL::bigint[] AS amounts"),
    "drain/finish_transfers": ("           unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN outcome.moved END,\n", ""),
    "drain/update_parents": (",\n       unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN t.moved - new.returned END", ""),
}


def statements_of(version: Mapping[str, tuple[str, str]]) -> Callable[[str], str]:
    def statement_of_older(name: str) -> str:
        text = statement(name)
        if name not in version:
            return text
        new, old = version[name]
        assert new in text, name
        return text.replace(new, old)

    return statement_of_older


Run: TypeAlias = Callable[[list[int]], None]


@pytest.fixture
def run_as(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Mapping[str, tuple[str, str]]], Run]]:
    """Drain shards as a worker of an older version, as often as it takes to give up on a transfer twice."""

    def run(drainer: Drainer, version: Mapping[str, tuple[str, str]], shards: list[int]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(apply, "statement", statements_of(version))
            for _ in range(2 * ATTEMPTS_MAX):
                drainer.run(shards)

    with closing(world.drainer()) as drainer:
        yield lambda version: lambda shards: run(drainer, version, shards)


@pytest.fixture
def older(run_as: Callable[[Mapping[str, tuple[str, str]]], Run]) -> Run:
    return run_as(OLDER)


@pytest.fixture
def before_lines(run_as: Callable[[Mapping[str, tuple[str, str]]], Run]) -> Run:
    return run_as(BEFORE_LINES)


def test_an_older_worker_applies_what_is_plain_and_leaves_the_rest_to_a_newer_one(world: World, older: Run) -> None:
    payer, rich, payee, poor = (world.new_wallet(balance, shard=shard) for balance, shard in ((100, 1), (9, 2), (0, 3), (50, 4)))
    placed, reserved = hold(payer, payee, 60), hold(poor, payee, 50)
    assert settle(world, placed, reserved) == [APPLIED, APPLIED]
    taken, behind, plain = capture(placed), transfer(payer, payee, 1), transfer(rich, payee, 9)
    spends_what_is_held = transfer(poor, payee, 1)
    world.submit(taken, behind, plain, spends_what_is_held)

    older([1, 2, 4])

    sent = [one.id for one in (taken, behind, plain, spends_what_is_held)]
    assert world.statuses(*sent) == [QUEUED, QUEUED, APPLIED, QUEUED]
    world.drain()
    assert world.statuses(*sent) == [APPLIED, APPLIED, APPLIED, ("rejected", "insufficient_funds")]
    assert funds(world, payee) == (70, 70)
    assert audit(world.url).clean


@pytest.mark.parametrize("terms", [Terms(apply_within_s=60), Terms(fit="funds")], ids=["with a deadline", "with an open amount"])
def test_an_older_worker_applies_nothing_of_which_it_does_not_know_the_terms(world: World, older: Run, terms: Terms) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent, placed = transfer(payer, payee, 5, terms=terms), hold(payer, payee, 5)
    world.submit(sent, placed)

    older([sent.shard])

    assert world.statuses(sent.id, placed.id) == [QUEUED, QUEUED]
    world.drain()
    assert world.statuses(sent.id, placed.id) == [APPLIED, APPLIED]
    assert audit(world.url).clean


def test_a_worker_that_knows_no_lines_leaves_them_to_one_that_does(world: World, before_lines: Run) -> None:
    payer, payee, fee = world.new_wallet(500, shard=1), world.new_wallet(0, shard=2), world.new_wallet(0, shard=3)
    rich, poor = world.new_wallet(50, shard=4), world.new_wallet(0, shard=5)
    before, placed = multi_leg({payer: 30}, {payee: 20, fee: 10}), hold(payer, payee, 100)
    two = capture_for(placed, {fee: 7})
    assert settle(world, before, placed, two) == [APPLIED] * 3
    split, taken = multi_leg({payer: 3}, {payee: 2, fee: 1}), capture_for(placed, {payee: 5, fee: 1})
    undone, part, plain = whole_reversal(before), reversal(two, 2), transfer(rich, poor, 9)
    world.submit(split, undone, part, plain)

    before_lines([1, 2, 3, 4])

    sent = [one.id for one in (split, undone, part, plain)]
    assert world.statuses(*sent) == [QUEUED, QUEUED, QUEUED, APPLIED]
    world.drain()
    assert world.statuses(*sent) == [APPLIED] * 4
    world.submit(taken)
    before_lines([1])
    assert world.statuses(taken.id) == [QUEUED]
    world.drain()
    assert world.statuses(taken.id) == [APPLIED]
    assert audit(world.url).clean
