"""Workers of versions before holds, rules and lines, beside a newer schema: they delay what they do not know, and reject none."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from core.admin.audit import audit
from core.postgres.statements import part, statement
from core.transfers import Terms
from tests.integration.test_verbs import APPLIED, funds, settle
from tests.world import (
    World,
    capture,
    capture_for,
    closure,
    deposit,
    hold,
    multi_leg,
    reversal,
    transfer,
    whole_reversal,
)
from worker.ledger import apply
from worker.ledger.batch_limit import ATTEMPTS_MAX
from worker.ledger.drain import Drainer

QUEUED = ("queued", None)

GUARD = ", guard = CASE WHEN w.guard IS NOT NULL THEN ARRAY[new.version, new.held] END"
SPECIAL = "NOT (parent IS NULL AND fit IS NULL AND expires_at IS NULL AND apply_within_s IS NULL"
NO_LINES = "\n                            AND wallet_ids IS NULL)"

# What the statements of the version before lines said in place of these texts.
BEFORE_LINES: dict[str, list[tuple[str, str]]] = {
    "drain/claim_queue": [(NO_LINES, ")")],
    "drain/find_specials": [("wallet_ids, amounts", "NULL::uuid[] AS wallet_ids, NULL::bigint[] AS amounts")],
    "drain/find_parents": [("wallet_ids, amounts", "NULL::uuid[] AS wallet_ids, NULL::bigint[] AS amounts")],
    "drain/finish_transfers": [("           unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN outcome.moved END,\n", "")],
    "drain/update_parents": [(",\n       unreversed = CASE WHEN t.wallet_ids IS NOT NULL THEN t.moved - new.returned END", "")],
}

# What earlier versions' statements said in place of these texts. One knew no closures and no rules.
BEFORE_RULES: dict[str, list[tuple[str, str]]] = {
    "drain/claim_queue": [(f"{SPECIAL} AND amount > 0{NO_LINES}", f"{SPECIAL})")],
    "drain/lock_wallets": [(part("rules"), "NULL AS rules")],
    "drain/update_wallets": [(GUARD, "")],
}

# One knew neither what is special, nor what is reserved, nor what a transfer came to.
BEFORE_HOLDS: dict[str, list[tuple[str, str]]] = {
    "drain/claim_queue": [(f"{SPECIAL} AND amount > 0{NO_LINES}", "false")],
    "drain/lock_wallets": [*BEFORE_RULES["drain/lock_wallets"], ("w.held", "0::bigint AS held")],
    "drain/update_wallets": [(GUARD, ""), (", held = new.held", "")],
    "drain/finish_transfers": [("           moved = outcome.moved,\n", "")],
}


def statements_of(version: dict[str, list[tuple[str, str]]]) -> Callable[[str], str]:
    def statement_of(name: str) -> str:
        text: str = statement(name)
        for new, old in version.get(name, []):
            assert new in text, name
            text = text.replace(new, old)
        return text

    return statement_of


@pytest.fixture(params=[BEFORE_HOLDS, BEFORE_RULES], ids=["before holds", "before rules"])
def older_of_any(
    world: World, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Callable[[list[int]], None]]:
    yield from draining(world, monkeypatch, request.param)


@pytest.fixture
def older(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[int]], None]]:
    yield from draining(world, monkeypatch, BEFORE_HOLDS)


@pytest.fixture
def before_lines(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[int]], None]]:
    yield from draining(world, monkeypatch, BEFORE_LINES)


def draining(
    world: World, monkeypatch: pytest.MonkeyPatch, version: dict[str, list[tuple[str, str]]]
) -> Iterator[Callable[[list[int]], None]]:
    """Drain these shards as an older worker, as often as it takes to give up on a transfer twice."""

    def run(drainer: Drainer, shards: list[int]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(apply, "statement", statements_of(version))
            for _ in range(2 * ATTEMPTS_MAX):
                drainer.run(shards)

    with closing(world.drainer()) as drainer:
        yield lambda shards: run(drainer, shards)


def test_an_older_worker_applies_what_is_plain_and_leaves_the_rest_to_a_newer_one(
    world: World, older: Callable[[list[int]], None]
) -> None:
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
def test_an_older_worker_applies_nothing_of_which_it_does_not_know_the_terms(
    world: World, older: Callable[[list[int]], None], terms: Terms
) -> None:
    payer, payee = world.new_wallets(100, 0)
    sent, placed = transfer(payer, payee, 5, terms=terms), hold(payer, payee, 5)
    world.submit(sent, placed)

    older([sent.shard])

    assert world.statuses(sent.id, placed.id) == [QUEUED, QUEUED]
    world.drain()
    assert world.statuses(sent.id, placed.id) == [APPLIED, APPLIED]
    assert audit(world.url).clean


@pytest.mark.parametrize("rules", [{"frozen": "all"}, {"limits": {"debit_max": 10, "balance_max": 100}}], ids=["frozen", "limited"])
def test_an_older_worker_moves_nothing_of_a_wallet_with_rules(
    world: World, older_of_any: Callable[[list[int]], None], rules: dict[str, Any]
) -> None:
    ruled, payee = world.new_wallet(100, shard=1), world.new_wallet(10, shard=2)
    world.change(ruled, **rules)
    debits = [transfer(ruled, payee, 30), transfer(payee, ruled, 5)]
    world.submit(*debits)

    older_of_any([1, 2])

    assert world.statuses(*(one.id for one in debits)) == [QUEUED, QUEUED]
    world.drain()
    refusals = ["wallet_frozen"] * 2 if "frozen" in rules else ["debit_limit_exceeded", "balance_limit_exceeded"]
    assert world.statuses(*(one.id for one in debits)) == [("rejected", refusal) for refusal in refusals]
    assert audit(world.url).clean


def test_an_older_worker_closes_nothing_and_moves_nothing_of_a_closed_wallet(
    world: World, older_of_any: Callable[[list[int]], None]
) -> None:
    closed, open_, heir = world.new_wallet(shard=1), world.new_wallet(7, shard=2), world.new_wallet(shard=3)
    assert settle(world, closure(closed)) == [APPLIED]
    sent = [deposit(closed, 1), closure(open_, heir), transfer(open_, heir, 1)]
    late = closure(heir, terms=Terms(apply_within_s=60))
    world.submit(*sent, late)

    older_of_any([1, 2, 3])

    assert world.statuses(*(one.id for one in (*sent, late))) == [QUEUED] * 4
    world.drain(2)
    world.drain(1, 3)
    shut = ("rejected", "wallet_closed")
    assert world.statuses(*(one.id for one in (*sent, late))) == [shut, APPLIED, shut, ("rejected", "wallet_not_empty")]
    assert audit(world.url).clean


def test_a_worker_that_knows_no_lines_leaves_them_to_one_that_does(world: World, before_lines: Callable[[list[int]], None]) -> None:
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
