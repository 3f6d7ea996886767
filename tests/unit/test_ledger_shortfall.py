"""The figures of a refusal: what was available and what was needed, of the first thing that was too little."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from core.ledger.book import Parent, Shortfall, Wallet
from core.ledger.commands import Command
from core.ledger.kinds import KINDS
from core.ledger.refusals import Refusal
from tests.unit.test_ledger_verbs import ADA, BEN, DECISIONS, OUTSIDE, child, command, decide, limited, parent, ruled, wallets

SPLIT = ((ADA, -30), (BEN, -20), (OUTSIDE, 50))


@dataclass(frozen=True)
class Case:
    name: str
    refusal: Refusal
    figures: tuple[int, int] | None
    command: Command
    wallets: dict[UUID, Wallet]
    parent: Parent | None = None

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("a debit", Refusal.INSUFFICIENT_FUNDS, (99, 100), command("transfer", 100), wallets(99)),
    Case("a debit of what is reserved", Refusal.INSUFFICIENT_FUNDS, (60, 61), command("transfer", 61), wallets(100, held=40)),
    Case("a hold of what is reserved", Refusal.INSUFFICIENT_FUNDS, (60, 61), command("hold", 61), wallets(100, held=40)),
    Case("whatever is there, of nothing", Refusal.INSUFFICIENT_FUNDS, (0, 1), command("transfer", 9, fit="funds"), wallets(0)),
    Case(
        "the second of two debits",
        Refusal.INSUFFICIENT_FUNDS,
        (5, 20),
        command("transfer", 50, lines=SPLIT),
        wallets(100, 5),
    ),
    Case(
        "a reversal that the payee cannot pay",
        Refusal.INSUFFICIENT_FUNDS,
        (7, 100),
        child("reversal", 100),
        wallets(0, 7),
        parent("transfer"),
    ),
    Case(
        "more than is left to reverse",
        Refusal.REVERSAL_EXCEEDED,
        (40, 41),
        child("reversal", 41),
        wallets(0, 100),
        parent("transfer", returned=60),
    ),
    Case(
        "more than the hold has left",
        Refusal.HOLD_EXCEEDED,
        (30, 31),
        child("capture", 31),
        wallets(100, held=30),
        parent(captured=70),
    ),
    Case(
        "a release of more than is left",
        Refusal.HOLD_EXCEEDED,
        (30, 31),
        child("release", 31),
        wallets(100, held=30),
        parent(captured=70),
    ),
    Case(
        "a large debit", Refusal.DEBIT_LIMIT_EXCEEDED, (50, 51), command("transfer", 51), ruled(wallets(100), limited(debit_max=50))
    ),
    Case(
        "the rest of a day",
        Refusal.DAILY_LIMIT_EXCEEDED,
        (20, 21),
        command("transfer", 21),
        ruled(wallets(100), limited(today=30, this_month=30, debits_per_day_max=50)),
    ),
    Case(
        "a day whose limit was lowered since",
        Refusal.DAILY_LIMIT_EXCEEDED,
        (0, 1),
        command("transfer", 1),
        ruled(wallets(100), limited(today=30, this_month=30, debits_per_day_max=10)),
    ),
    Case(
        "a hold in the rest of a month",
        Refusal.MONTHLY_LIMIT_EXCEEDED,
        (10, 11),
        command("hold", 11),
        ruled(wallets(100), limited(today=1, this_month=40, debits_per_month_max=50)),
    ),
    Case("a hold that has ended", Refusal.HOLD_CLOSED, None, child("capture", 1), wallets(100), parent(captured=100)),
    Case("a deadline", Refusal.DEADLINE_PASSED, None, command("transfer", 100, is_late=True), wallets(1)),
    Case(
        "a reversal of what is no parent",
        Refusal.REVERSAL_EXCEEDED,
        None,
        child("reversal", 1),
        wallets(0, 9),
        parent("transfer", source=BEN),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_refusal_has_the_figures_of_what_was_too_little(case: Case) -> None:
    outcome = decide(case.command, case.wallets, *([case.parent] if case.parent else []))

    [verdict] = outcome.verdicts
    assert verdict.refusal is case.refusal
    assert outcome.shortfalls == ([Shortfall(verdict.transfer_id, *case.figures)] if case.figures else [])


def test_figures_are_of_the_moment_of_the_refusal() -> None:
    """Not of the beginning of the batch."""
    sent = [
        command("transfer", 60, id=1),
        command("transfer", 60, id=2),
        command("transfer", 41, id=3),
        command("transfer", 40, id=4),
    ]

    outcome = decide(sent, wallets(100))

    assert outcome.shortfalls == [Shortfall(UUID(int=2), 40, 60), Shortfall(UUID(int=3), 40, 41)]


def test_every_refusal_for_want_of_funds_or_of_a_parents_rest_has_figures() -> None:
    wanting = {Refusal.INSUFFICIENT_FUNDS, Refusal.HOLD_EXCEEDED}
    tried = set()
    for case in DECISIONS:
        outcome = decide(case.command, case.wallets, case.parent)
        if case.refusal in wanting:
            tried.add(case.refusal)
            [shortfall] = outcome.shortfalls
            assert shortfall.needed > shortfall.available >= 0
    assert tried == wanting < set().union(*(kind.refusals for kind in KINDS.values()))
