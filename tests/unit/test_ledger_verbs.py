"""What the ledger decides about holds, captures, releases, reversals, deadlines and open amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from core.ids import external_wallet
from core.ledger.book import Book, Closed, Counted, Counters, Outcome, Parent, Wallet
from core.ledger.commands import Command, Special
from core.ledger.fold import apply
from core.ledger.kinds import Type
from core.ledger.money import BALANCE_MAX
from core.ledger.refusals import Refusal
from core.ledger.rules import Limits, Rules, of_one_day

ADA, BEN, OUTSIDE = UUID(int=101), UUID(int=102), external_wallet(5)
PARENT = UUID(int=900)
NOW = 1_769_851_800_000_000
LATER = NOW + 3_600_000_000  # an hour


def wallets(ada: int = 0, ben: int = 0, held: int = 0) -> dict[UUID, Wallet]:
    return {
        ADA: Wallet(ADA, external=False, balance=ada, version=7, held=held),
        BEN: Wallet(BEN, external=False, balance=ben, version=7),
        OUTSIDE: Wallet(OUTSIDE, external=True, balance=-ada - ben, version=7),
    }


def ruled(given: dict[UUID, Wallet], ada: Rules | None = None, ben: Rules | None = None) -> dict[UUID, Wallet]:
    """The same wallets with rules."""
    return given | {id: given[id]._replace(rules=rules) for id, rules in ((ADA, ada), (BEN, ben))}


def limited(*, today: int = 0, this_month: int = 0, **limits: int) -> Rules:
    nothing = dict.fromkeys(("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max"))
    return Rules(
        limits=Limits(**{**nothing, **limits}, today=DAY, month_began=DAY - 9, debits_today=today, debits_this_month=this_month)
    )


SHUT, STOPPED = Rules(is_closed=True), Rules(frozen="all")
DAY = 20_785


def parent(type: Type = "hold", total: int = 100, **changes: Any) -> Parent:
    """An applied hold of ADA's for BEN, or a movement from ADA to BEN."""
    made = Parent(PARENT, type, ADA, BEN, True, total, 0, 0, LATER if type == "hold" else None)
    return made._replace(**changes)


def command(type: Type, amount: int = 1, *, id: int = 1, source: UUID = ADA, destination: UUID = BEN, **terms: Any) -> Command:
    return Command(UUID(int=id), source, destination, amount, Special(type, **{"accepted_at": NOW, **terms}))


def child(type: Type, amount: int = 1, **terms: Any) -> Command:
    turned: dict[str, Any] = {"source": BEN, "destination": ADA} if type == "reversal" else {}
    return command(type, amount, **{"parent": PARENT, **turned, **terms})


def decide(commands: Command | Sequence[Command], given: dict[UUID, Wallet], *parents: Parent) -> Outcome:
    """Apply, with each hold among the commands in the book as the drain reads it: not applied yet."""
    asked = [commands] if isinstance(commands, Command) else commands
    holds = [
        Parent(one.transfer_id, "hold", one.source, one.destination, False, one.amount, 0, 0, LATER)
        for one in asked
        if one.special and one.special.type == "hold"
    ]
    return apply(asked, Book(given, {one.id: one for one in [*parents, *holds]}))


def refusals(outcome: Outcome) -> list[Refusal | None]:
    return [verdict.refusal for verdict in outcome.verdicts]


@dataclass(frozen=True)
class Case:
    """What is asked of these wallets and this parent, and the first reason against it."""

    name: str
    refusal: Refusal | None
    command: Command
    wallets: dict[UUID, Wallet]
    parent: Parent

    def __str__(self) -> str:
        return self.name


FULL = {"ben": BALANCE_MAX}
LATE: dict[str, Any] = {"is_late": True}

# In the order of the Refusal enum. Each has, beside its reason, one or more that come after it.
DECISIONS = [
    Case("late, and the hold is closed", Refusal.DEADLINE_PASSED, child("capture", 9, **LATE), wallets(), parent(captured=100)),
    Case("late, and too poor", Refusal.DEADLINE_PASSED, command("transfer", 9, **LATE), wallets(**FULL), parent()),
    Case("late hold", Refusal.DEADLINE_PASSED, command("hold", 9, **LATE), wallets(), parent()),
    Case("late, and closed", Refusal.DEADLINE_PASSED, command("transfer", 9, **LATE), ruled(wallets(), SHUT, SHUT), parent()),
    Case("closed, and frozen", Refusal.WALLET_CLOSED, command("transfer", 9), ruled(wallets(), Rules(True, "all")), parent()),
    Case(
        "a closed payee, and a frozen payer",
        Refusal.WALLET_CLOSED,
        command("transfer", 9),
        ruled(wallets(), STOPPED, SHUT),
        parent(),
    ),
    Case("a closed payee of a hold", Refusal.WALLET_CLOSED, command("hold", 9), ruled(wallets(), ben=SHUT), parent()),
    Case(
        "a closed payee of a used up hold",
        Refusal.WALLET_CLOSED,
        child("capture", 9),
        ruled(wallets(), ben=SHUT),
        parent(captured=100),
    ),
    Case("a closed payee of a small hold", Refusal.WALLET_CLOSED, child("capture", 101), ruled(wallets(), ben=SHUT), parent()),
    Case("a release in a closed wallet", Refusal.WALLET_CLOSED, child("release", 9), ruled(wallets(), SHUT), parent(captured=100)),
    Case(
        "a reversal of too much out of a closed wallet",
        Refusal.WALLET_CLOSED,
        child("reversal", 101),
        ruled(wallets(), ben=SHUT),
        parent("transfer"),
    ),
    Case("closed twice", Refusal.WALLET_CLOSED, command("closure", 0), ruled(wallets(), SHUT), parent()),
    Case("a closed heir", Refusal.WALLET_CLOSED, command("closure", 0, sweeps=True), ruled(wallets(9, held=9), ben=SHUT), parent()),
    Case(
        "a frozen payer, over a limit",
        Refusal.WALLET_FROZEN,
        command("transfer", 9),
        ruled(wallets(), limited(debit_max=1)._replace(frozen="debits")),
        parent(),
    ),
    Case("a frozen payer", Refusal.WALLET_FROZEN, command("hold", 9), ruled(wallets(), Rules(frozen="debits")), parent()),
    Case("a frozen payee", Refusal.WALLET_FROZEN, command("hold", 9), ruled(wallets(), ben=Rules(frozen="credits")), parent()),
    Case(
        "a capture into a frozen wallet",
        Refusal.WALLET_FROZEN,
        child("capture", 9),
        ruled(wallets(), ben=STOPPED),
        parent(captured=100),
    ),
    Case(
        "a frozen heir", Refusal.WALLET_FROZEN, command("closure", 0, sweeps=True), ruled(wallets(9, held=9), ben=STOPPED), parent()
    ),
    Case(
        "a client's reversal out of a frozen wallet",
        Refusal.WALLET_FROZEN,
        child("reversal", 101, by_client=True),
        ruled(wallets(), ben=Rules(frozen="debits")),
        parent("transfer"),
    ),
    Case(
        "a client's reversal into a frozen wallet",
        Refusal.WALLET_FROZEN,
        child("reversal", 9, by_client=True),
        ruled(wallets(0, 9), Rules(frozen="credits")),
        parent("transfer"),
    ),
    Case("a refused hold", Refusal.HOLD_CLOSED, child("capture", 101), wallets(100), parent(is_applied=False)),
    Case("a used up hold", Refusal.HOLD_CLOSED, child("capture", 101), wallets(100), parent(captured=60, returned=40)),
    Case("the rest of a used up hold", Refusal.HOLD_CLOSED, child("release", 100, fit="rest"), wallets(100), parent(returned=100)),
    Case("a capture at the hold's end", Refusal.HOLD_CLOSED, child("capture", accepted_at=LATER), wallets(100), parent()),
    Case("a hold that is no hold", Refusal.HOLD_CLOSED, child("capture"), wallets(100), parent("transfer")),
    Case("a hold of another's", Refusal.HOLD_CLOSED, child("release"), wallets(100), parent(destination=OUTSIDE)),
    Case("no hold at all", Refusal.HOLD_CLOSED, child("release", parent=UUID(int=7)), wallets(100), parent()),
    Case(
        "a cent too much, and a full payee", Refusal.HOLD_EXCEEDED, child("capture", 41), wallets(100, **FULL), parent(captured=60)
    ),
    Case("a release of a cent too much", Refusal.HOLD_EXCEEDED, child("release", 41), wallets(100), parent(returned=60)),
    Case(
        "more than was moved, and spent",
        Refusal.REVERSAL_EXCEEDED,
        child("reversal", 41),
        wallets(),
        parent("transfer", returned=60),
    ),
    Case(
        "nothing left",
        Refusal.REVERSAL_EXCEEDED,
        child("reversal", 9, fit="rest_and_funds"),
        wallets(),
        parent("transfer", returned=100),
    ),
    Case("too much, up to", Refusal.REVERSAL_EXCEEDED, child("reversal", 101, fit="funds"), wallets(0, 100), parent("transfer")),
    Case("of a hold", Refusal.REVERSAL_EXCEEDED, child("reversal"), wallets(0, 100), parent()),
    Case("of a reversal", Refusal.REVERSAL_EXCEEDED, child("reversal"), wallets(0, 100), parent("reversal")),
    Case(
        "of what was refused", Refusal.REVERSAL_EXCEEDED, child("reversal"), wallets(0, 100), parent("transfer", is_applied=False)
    ),
    Case("of another's", Refusal.REVERSAL_EXCEEDED, child("reversal"), wallets(0, 100), parent("transfer", source=OUTSIDE)),
    Case("held, and not swept", Refusal.WALLET_HAS_HOLDS, command("closure", 0), wallets(9, held=9), parent()),
    Case(
        "held, and a full heir", Refusal.WALLET_HAS_HOLDS, command("closure", 0, sweeps=True), wallets(9, held=9, **FULL), parent()
    ),
    Case("not swept", Refusal.WALLET_NOT_EMPTY, command("closure", 0), wallets(9, **FULL), parent()),
    Case(
        "over all limits, and too poor",
        Refusal.DEBIT_LIMIT_EXCEEDED,
        command("transfer", 9),
        ruled(wallets(), limited(debit_max=8, debits_per_day_max=8, debits_per_month_max=8)),
        parent(),
    ),
    Case("a hold over a limit", Refusal.DEBIT_LIMIT_EXCEEDED, command("hold", 9), ruled(wallets(), limited(debit_max=8)), parent()),
    Case(
        "a cent over the day's, and the month's",
        Refusal.DAILY_LIMIT_EXCEEDED,
        command("transfer", 9),
        ruled(wallets(), limited(today=92, this_month=92, debits_per_day_max=100, debits_per_month_max=100)),
        parent(),
    ),
    Case(
        "a cent over the month's",
        Refusal.MONTHLY_LIMIT_EXCEEDED,
        command("withdrawal", 9, destination=OUTSIDE),
        ruled(wallets(), limited(this_month=92, debits_per_day_max=9, debits_per_month_max=100)),
        parent(),
    ),
    Case(
        "more in a month than answers show",
        Refusal.MONTHLY_LIMIT_EXCEEDED,
        command("transfer", 9),
        ruled(wallets(), limited(this_month=BALANCE_MAX - 8)),
        parent(),
    ),
    Case("money that was spent", Refusal.INSUFFICIENT_FUNDS, child("reversal", 100), wallets(BALANCE_MAX, 99), parent("transfer")),
    Case("nothing there, up to", Refusal.INSUFFICIENT_FUNDS, command("transfer", 9, fit="funds"), wallets(**FULL), parent()),
    Case("all of it is held", Refusal.INSUFFICIENT_FUNDS, command("withdrawal", 1), wallets(100, held=100), parent()),
    Case("a cent of it is held", Refusal.INSUFFICIENT_FUNDS, command("hold", 100), wallets(100, held=1), parent()),
    Case("a full payee", Refusal.BALANCE_LIMIT_EXCEEDED, child("capture", 1), wallets(100, held=100, **FULL), parent()),
    Case("a full payer", Refusal.BALANCE_LIMIT_EXCEEDED, child("reversal", 1), wallets(BALANCE_MAX, 5), parent("transfer")),
    Case(
        "a credit over the payee's limit",
        Refusal.BALANCE_LIMIT_EXCEEDED,
        command("transfer", 9),
        ruled(wallets(9, 92), ben=limited(balance_max=100)),
        parent(),
    ),
    Case(
        "a sweep over the heir's limit",
        Refusal.BALANCE_LIMIT_EXCEEDED,
        command("closure", 0, sweeps=True),
        ruled(wallets(9, 92), ben=limited(balance_max=100)),
        parent(),
    ),
    Case(
        "up to all limits",
        None,
        command("transfer", 9),
        ruled(
            wallets(9, 91),
            limited(today=91, this_month=991, debit_max=9, debits_per_day_max=100, debits_per_month_max=1000),
            limited(balance_max=100),
        ),
        parent(),
    ),
    Case("up to a limit", None, command("transfer", 99, fit="funds"), ruled(wallets(9), limited(debit_max=9)), parent()),
    Case(
        "a debit over the limit of the balance", None, command("transfer", 9), ruled(wallets(99), limited(balance_max=50)), parent()
    ),
    Case("a hold for a limited payee", None, command("hold", 9), ruled(wallets(9, 92), ben=limited(balance_max=100)), parent()),
    Case("a capture from a frozen wallet", None, child("capture", 9), ruled(wallets(9, held=9), Rules(frozen="debits")), parent()),
    Case("a capture over a limit", None, child("capture", 9), ruled(wallets(9, held=9), limited(debit_max=1)), parent()),
    Case("a release in a frozen wallet", None, child("release", 9), ruled(wallets(9, held=9), STOPPED, SHUT), parent()),
    Case("an operator's reversal", None, child("reversal", 9), ruled(wallets(0, 9), STOPPED, STOPPED), parent("transfer")),
    Case("the closure of a frozen wallet", None, command("closure", 0, sweeps=True), ruled(wallets(9), STOPPED), parent()),
    Case("an empty one with a closed heir", None, command("closure", 0, sweeps=True), ruled(wallets(), STOPPED, SHUT), parent()),
    Case("a capture of the last cent", None, child("capture", 40), wallets(100, held=40), parent(captured=60)),
    Case(
        "a capture a moment before the end",
        None,
        child("capture", accepted_at=LATER - 1),
        wallets(100, held=100),
        parent(),
    ),
    Case("a release after the end", None, child("release", accepted_at=LATER), wallets(100, held=100), parent()),
    Case("a reversal of the last cent", None, child("reversal", 40), wallets(0, 40), parent("transfer", returned=60)),
    Case("a hold of all that is available", None, command("hold", 60), wallets(100, held=40), parent()),
    Case("a transfer of all that is available", None, command("transfer", 60), wallets(100, held=40), parent()),
]


@pytest.mark.parametrize("case", DECISIONS, ids=str)
def test_a_command_is_refused_for_the_first_reason_that_holds(case: Case) -> None:
    outcome = decide(case.command, case.wallets, case.parent)

    assert refusals(outcome) == [case.refusal]
    if case.refusal:
        assert outcome == Outcome(outcome.verdicts, [], [], shortfalls=outcome.shortfalls)
        assert outcome.verdicts[0].moved == 0


def test_the_table_of_decisions_covers_the_whole_enum_in_its_order() -> None:
    order = list(dict.fromkeys(case.refusal for case in DECISIONS))

    assert order == [*(refusal for refusal in Refusal if refusal is not Refusal.INTERNAL), None]


def test_a_hold_reserves_without_an_entry_and_opens() -> None:
    outcome = decide(command("hold", 60), wallets(100, held=10))

    assert outcome.entries == []
    assert outcome.wallets == [Wallet(ADA, external=False, balance=100, version=7, held=70)]
    assert [(hold.id, hold.source, hold.remaining, hold.expires_at) for hold in outcome.opened] == [(UUID(int=1), ADA, 60, LATER)]
    assert (outcome.parents, outcome.closed, outcome.verdicts[0].moved) == ([], [], 60)


def test_a_partial_capture_moves_its_part_and_leaves_the_rest_reserved() -> None:
    outcome = decide(child("capture", 30), wallets(100, held=100), parent())

    assert [(entry.wallet_id, entry.amount, entry.balance_after) for entry in outcome.entries] == [(ADA, -30, 70), (BEN, 30, 30)]
    assert [(wallet.balance, wallet.held) for wallet in outcome.wallets] == [(70, 70), (30, 0)]
    assert outcome.parents == [parent(captured=30)]
    assert outcome.closed == []


def test_a_final_capture_gives_the_rest_back() -> None:
    outcome = decide(child("capture", 30, closes=True), wallets(100, held=100), parent(returned=10, total=110))

    assert [(wallet.balance, wallet.held) for wallet in outcome.wallets] == [(70, 0), (30, 0)]
    assert outcome.parents == outcome.closed == [parent(captured=30, returned=80, total=110)]
    assert outcome.verdicts[0].moved == 30


def test_a_release_gives_back_without_an_entry_and_keeps_the_version() -> None:
    outcome = decide(child("release", 100, fit="rest"), wallets(100, held=70), parent(captured=30))

    assert outcome.entries == []
    assert outcome.wallets == [Wallet(ADA, external=False, balance=100, version=7, held=0)]
    assert outcome.closed == [parent(captured=30, returned=70)]
    assert outcome.verdicts[0].moved == 70


def test_a_payout_is_held_and_captured_to_outside() -> None:
    hold = command("hold", 60, destination=OUTSIDE)
    capture = command("capture", 60, id=2, destination=OUTSIDE, parent=UUID(int=1), fit="rest")

    outcome = decide([hold, capture], wallets(100))

    assert refusals(outcome) == [None, None]
    assert {wallet.id: (wallet.balance, wallet.held) for wallet in outcome.wallets} == {ADA: (40, 0), OUTSIDE: (-40, 0)}


def test_a_hold_that_opens_and_closes_within_a_batch_is_neither_opened_nor_closed_by_it() -> None:
    outcome = decide([command("hold", 60), child("capture", 60, id=2, parent=UUID(int=1), fit="rest")], wallets(60))

    assert refusals(outcome) == [None, None]
    assert (outcome.opened, outcome.closed) == ([], [])
    assert [(one.captured, one.returned) for one in outcome.parents] == [(60, 0)]


def test_of_two_captures_of_all_in_one_batch_the_first_closes_and_the_second_is_refused() -> None:
    both = [child("capture", 100, id=number, fit="rest") for number in (2, 3)]

    outcome = decide(both, wallets(200, held=100), parent())

    assert refusals(outcome) == [None, Refusal.HOLD_CLOSED]
    assert outcome.parents == [parent(captured=100)]


def test_of_two_reversals_of_60_on_100_in_one_batch_the_second_is_refused() -> None:
    both = [child("reversal", 60, id=number) for number in (2, 3)]

    outcome = decide(both, wallets(0, 200), parent("transfer"))

    assert refusals(outcome) == [None, Refusal.REVERSAL_EXCEEDED]
    assert outcome.parents == [parent("transfer", returned=60)]


def test_of_six_holds_of_1000_on_5000_five_are_applied() -> None:
    outcome = decide([command("hold", 1000, id=number) for number in range(1, 7)], wallets(5000))

    assert refusals(outcome) == [None] * 5 + [Refusal.INSUFFICIENT_FUNDS]
    assert [wallet.held for wallet in outcome.wallets] == [5000]


def test_what_is_released_can_be_spent_by_the_next_command() -> None:
    outcome = decide([child("release", 100, id=2, fit="rest"), command("transfer", 100, id=3)], wallets(100, held=100), parent())

    assert refusals(outcome) == [None, None]


def test_an_open_amount_comes_to_what_is_available() -> None:
    outcome = decide(command("withdrawal", 500, destination=OUTSIDE, fit="funds"), wallets(100, held=30))

    assert [(wallet.balance, wallet.held) for wallet in outcome.wallets] == [(30, 30), (-30, 0)]
    assert outcome.verdicts[0].moved == 70


@pytest.mark.parametrize(("left", "there", "moved"), [(40, 100, 40), (100, 25, 25), (100, 100, 100)])
def test_a_reversal_of_the_rest_as_far_as_there_is_money_comes_to_the_smaller(left: int, there: int, moved: int) -> None:
    asked = child("reversal", 100, fit="rest_and_funds")

    outcome = decide(asked, wallets(0, there), parent("transfer", returned=100 - left))

    assert outcome.verdicts[0].moved == moved
    assert outcome.parents == [parent("transfer", returned=100 - left + moved)]


def test_a_withdrawal_is_reversed_from_outside_and_a_deposit_to_outside() -> None:
    back = command("reversal", 100, source=OUTSIDE, destination=ADA, parent=PARENT, fit="rest")
    chargeback = command("reversal", 100, source=ADA, destination=OUTSIDE, parent=PARENT, fit="rest")

    assert refusals(decide(back, wallets(5), parent("withdrawal", destination=OUTSIDE))) == [None]
    assert refusals(decide(chargeback, wallets(500), parent("deposit", source=OUTSIDE, destination=ADA))) == [None]


def test_a_hold_that_is_not_in_the_book_is_a_bug_and_no_refusal() -> None:
    with pytest.raises(KeyError):
        apply([command("hold", 1)], Book(wallets(5)))


def test_what_counts_is_carried_from_command_to_command_and_given_back_in_its_windows() -> None:
    given = ruled(wallets(1000), limited(debits_per_day_max=100))
    hold = command("hold", 60)
    sent = [
        hold,
        command("transfer", 41, id=2),
        command("transfer", 40, id=3),
        child("release", 60, id=4, parent=UUID(int=1), fit="rest"),
    ]

    outcome = decide([*sent, command("withdrawal", 60, id=5, destination=OUTSIDE)], given)

    assert refusals(outcome) == [None, Refusal.DAILY_LIMIT_EXCEEDED, None, None, None]
    assert outcome.counters == [Counters(ADA, DAY, 100, 100)]
    assert outcome.counted == [Counted(UUID(int=number), DAY) for number in (1, 3, 5)]


@pytest.mark.parametrize(
    ("counted_on", "after"), [(None, (50, 80)), (DAY, (10, 40)), (DAY - 1, (50, 40)), (DAY - 9, (50, 40)), (DAY - 10, (50, 80))]
)
def test_what_a_hold_returns_is_given_back_to_the_windows_that_it_counts_in(counted_on: int | None, after: tuple[int, int]) -> None:
    given = ruled(wallets(100, held=100), limited(today=50, this_month=80))
    for taken in (child("release", 40), child("capture", 60, closes=True)):
        outcome = decide(taken, given, parent(counted_on=counted_on))

        assert refusals(outcome) == [None]
        assert [(one.debits_today, one.debits_this_month) for one in outcome.counters] == [after]


def test_captures_reversals_and_sweeps_do_not_count() -> None:
    given = ruled(wallets(100, 50, held=50), limited(), limited())

    for one, of in ((child("capture", 50), parent()), (child("reversal", 50), parent("transfer"))):
        outcome = decide(one, given, of)
        assert [(counters.debits_today, counters.debits_this_month) for counters in outcome.counters] == [(0, 0)] * 2
    swept = decide(command("closure", 0, sweeps=True), ruled(wallets(50), limited(debit_max=1)))
    assert (refusals(swept), swept.counted) == ([None], [])


def test_a_batch_of_wallets_of_two_days_is_of_the_later_day() -> None:
    yesterday = limited(today=5, this_month=7).limits
    assert yesterday is not None
    last_month = yesterday._replace(today=DAY - 20, month_began=DAY - 40)
    later = yesterday._replace(today=DAY + 1)

    rules = of_one_day([Rules(limits=yesterday), Rules(frozen="all"), Rules(limits=later), Rules(limits=last_month)])

    counters = [one.limits and (one.limits.today, one.limits.debits_today, one.limits.debits_this_month) for one in rules]
    assert counters == [(DAY + 1, 0, 7), None, (DAY + 1, 5, 7), (DAY + 1, 0, 0)]


def test_a_closure_sweeps_what_is_left_and_closes_for_what_follows_in_the_batch() -> None:
    sent = [
        command("transfer", 40),
        command("closure", 0, id=2, sweeps=True),
        command("transfer", 1, id=3, source=BEN, destination=ADA),
        command("closure", 0, id=4),
    ]

    outcome = decide(sent, wallets(100))

    assert refusals(outcome) == [None, None, Refusal.WALLET_CLOSED, Refusal.WALLET_CLOSED]
    assert [(entry.wallet_id, entry.amount) for entry in outcome.entries] == [(ADA, -40), (BEN, 40), (ADA, -60), (BEN, 60)]
    assert (outcome.closures, outcome.verdicts[1].moved) == ([Closed(ADA, UUID(int=2))], 60)
    assert outcome.wallets[0] == Wallet(ADA, external=False, balance=0, version=9, rules=SHUT)
