"""A worker of the version before holds, beside a schema that has them: it delays what it does not know, and rejects nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import LiteralString

import pytest

from core.admin.audit import audit
from core.postgres.statements import statement
from core.transfers import Terms
from tests.integration.test_verbs import APPLIED, funds, settle
from tests.world import World, capture, hold, transfer
from worker.ledger import apply
from worker.ledger.batch_limit import ATTEMPTS_MAX
from worker.ledger.drain import Drainer

QUEUED = ("queued", None)

# What that version's statements said in place of these texts: it knew neither what is special, nor what is reserved, nor what a
# transfer came to.
OLDER = {
    "drain/claim_queue": (
        "NOT (parent IS NULL AND fit IS NULL AND expires_at IS NULL AND apply_within_s IS NULL) AS special",
        "false AS special",
    ),
    "drain/lock_wallets": ("version, held", "version, 0::bigint AS held"),
    "drain/update_wallets": (", held = new.held", ""),
    "drain/finish_transfers": ("           moved = outcome.moved,\n", ""),
}


def statement_of_older(name: str) -> LiteralString:
    text = statement(name)
    if name not in OLDER:
        return text
    new, old = OLDER[name]
    assert new in text, name
    return text.replace(new, old)


@pytest.fixture
def older(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[int]], None]]:
    """Drain these shards as an older worker, as often as it takes to give up on a transfer twice."""

    def run(drainer: Drainer, shards: list[int]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(apply, "statement", statement_of_older)
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
