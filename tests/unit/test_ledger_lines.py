"""What the ledger decides about commands with several debits or credits."""

from uuid import UUID

import pytest

from core.ledger.book import Book, Outcome, Parent, Wallet
from core.ledger.commands import Command, Special, wallets_of
from core.ledger.fold import apply
from core.ledger.kinds import Type
from core.ledger.lines import Lines, turned_round
from core.ledger.money import BALANCE_MAX
from core.ledger.refusals import Refusal

A, B, C, D = (UUID(int=100 + number) for number in range(4))
PARENT = UUID(int=900)
LATER = 2_000


def wallets(*balances: int, held: int = 0) -> dict[UUID, Wallet]:
    """Of A to D, in this order; what is held is A's."""
    found = zip((A, B, C, D), balances, strict=False)
    return {id: Wallet(id, external=False, balance=balance, version=3, held=held if id == A else 0) for id, balance in found}


def command(lines: Lines, type: Type = "transfer", parent: UUID | None = None, *, closes: bool = False) -> Command:
    credited = [(id, line) for id, line in lines if line > 0]
    special = Special(type, 1_000, parent, closes=closes, lines=lines)
    return Command(UUID(int=1), lines[0][0], credited[0][0], sum(line for _, line in credited), special)


def parent(type: Type, lines: Lines | None = None, total: int = 60, returned: int = 0) -> Parent:
    return Parent(PARENT, type, A, B, True, total, 0, returned, LATER if type == "hold" else None, None, lines)


def decide(asked: Command, given: dict[UUID, Wallet], *parents: Parent) -> Outcome:
    return apply([asked], Book(given, {one.id: one for one in parents}))


def refusal(outcome: Outcome) -> Refusal | None:
    [verdict] = outcome.verdicts
    return verdict.refusal


SPLIT: Lines = ((A, -60), (B, 50), (C, 10))
JOINT: Lines = ((A, -40), (B, -20), (C, 55), (D, 5))


def test_each_line_becomes_an_entry_in_order() -> None:
    outcome = decide(command(JOINT), wallets(40, 30, 1, 0))

    assert [(entry.wallet_id, entry.amount, entry.balance_after, entry.version) for entry in outcome.entries] == [
        *[(A, -40, 0, 4), (B, -20, 10, 4)],
        *[(C, 55, 56, 4), (D, 5, 5, 4)],
    ]
    assert outcome.verdicts[0].moved == 60


@pytest.mark.parametrize(
    ("balances", "expected"),
    [
        ((39, 20, 0, 0), Refusal.INSUFFICIENT_FUNDS),
        ((40, 19, 0, 0), Refusal.INSUFFICIENT_FUNDS),
        ((40, 19, BALANCE_MAX, 0), Refusal.INSUFFICIENT_FUNDS),
        ((40, 20, BALANCE_MAX - 54, 0), Refusal.BALANCE_LIMIT_EXCEEDED),
        ((40, 20, 0, BALANCE_MAX - 4), Refusal.BALANCE_LIMIT_EXCEEDED),
        ((40, 20, BALANCE_MAX - 55, BALANCE_MAX - 5), None),
    ],
)
def test_one_wallet_that_cannot_refuses_the_whole(balances: tuple[int, ...], expected: Refusal | None) -> None:
    outcome = decide(command(JOINT), wallets(*balances))

    assert refusal(outcome) == expected
    assert len(outcome.entries) == len(outcome.wallets) == (0 if expected else 4)


def test_what_is_held_is_not_there_for_a_line() -> None:
    assert refusal(decide(command(SPLIT), wallets(60, 0, 0, held=1))) == Refusal.INSUFFICIENT_FUNDS


def test_a_capture_with_lines_takes_back_what_is_held_and_gives_to_any_wallets() -> None:
    outcome = decide(
        command(((A, -30), (C, 20), (D, 10)), "capture", PARENT, closes=True), wallets(60, 0, 0, 0, held=60), parent("hold")
    )

    assert refusal(outcome) is None
    assert {wallet.id: (wallet.balance, wallet.held) for wallet in outcome.wallets} == {A: (30, 0), C: (20, 0), D: (10, 0)}
    assert outcome.closed == [parent("hold", returned=30)._replace(captured=30)]


def test_a_capture_with_lines_is_of_its_holds_source_alone() -> None:
    asked = command(((C, -30), (D, 30)), "capture", PARENT)

    assert refusal(decide(asked, wallets(60, 0, 60, 0, held=60), parent("hold"))) == Refusal.HOLD_CLOSED


REVERSALS: list[tuple[str, Lines, Parent, Refusal | None]] = [
    ("of all its lines", turned_round(SPLIT), parent("transfer", SPLIT), None),
    ("of a capture", turned_round(SPLIT), parent("capture", SPLIT), None),
    ("a second time", turned_round(SPLIT), parent("transfer", SPLIT, returned=60), Refusal.REVERSAL_EXCEEDED),
    ("not turned round", SPLIT, parent("transfer", SPLIT), Refusal.REVERSAL_EXCEEDED),
    ("of other amounts", ((B, -49), (C, -11), (A, 60)), parent("transfer", SPLIT), Refusal.REVERSAL_EXCEEDED),
    ("of less", ((B, -5), (C, -1), (A, 6)), parent("transfer", SPLIT), Refusal.REVERSAL_EXCEEDED),
    ("of a transfer without lines", turned_round(SPLIT), parent("transfer"), Refusal.REVERSAL_EXCEEDED),
    ("of a reversal", turned_round(SPLIT), parent("reversal", SPLIT), Refusal.REVERSAL_EXCEEDED),
]


@pytest.mark.parametrize(("name", "lines", "of", "expected"), REVERSALS, ids=[name for name, *_ in REVERSALS])
def test_several_legs_are_reversed_by_the_same_turned_round(name: str, lines: Lines, of: Parent, expected: Refusal | None) -> None:
    outcome = decide(command(lines, "reversal", PARENT), wallets(100, 100, 100), of)

    assert refusal(outcome) == expected
    assert outcome.parents == ([] if expected else [of._replace(returned=60)])


@pytest.mark.parametrize("fit", [None, "rest", "funds", "rest_and_funds"])
def test_several_legs_are_reversed_by_no_reversal_of_two_wallets(fit: str | None) -> None:
    asked = Command(UUID(int=1), B, A, 50, Special("reversal", 1_000, PARENT, fit))  # type: ignore[arg-type]

    assert refusal(decide(asked, wallets(0, 100, 100), parent("transfer", SPLIT))) == Refusal.REVERSAL_EXCEEDED


def test_two_lines_of_a_capture_are_reversed_as_a_transfer_is() -> None:
    of = parent("capture", ((A, -60), (B, 60)))
    asked = Command(UUID(int=1), B, A, 25, Special("reversal", 1_000, PARENT))

    outcome = decide(asked, wallets(0, 60), of)

    assert (refusal(outcome), outcome.parents) == (None, [of._replace(returned=25)])


def test_the_wallets_of_commands_are_those_of_all_their_lines() -> None:
    plain = Command(UUID(int=2), A, D, 1)

    assert wallets_of([plain]) == {A, D}
    assert wallets_of([plain, command(SPLIT)]) == {A, B, C, D}


def test_lines_turned_round_begin_with_what_was_credited() -> None:
    assert turned_round(JOINT) == ((C, -55), (D, -5), (A, 40), (B, 20))
