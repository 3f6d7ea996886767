"""The ledger decides without I/O, so it is tested by tables, by laws, and against a model of a few lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import external_wallet
from core.ledger.book import Book, Entry, Outcome, Shortfall, Verdict, Wallet
from core.ledger.check import check
from core.ledger.commands import Command
from core.ledger.fold import apply
from core.ledger.kinds import ANY_TYPE, DEBIT_LIMITS, KINDS
from core.ledger.lines import Line
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.plan import Plan, plan
from core.ledger.post import post
from core.ledger.refusals import Refusal

ADA, BEN, CAT = UUID(int=101), UUID(int=102), UUID(int=103)
OUTSIDE = external_wallet(5)


def client(id: UUID, balance: int) -> Wallet:
    return Wallet(id, external=False, balance=balance, version=7)


def outside(balance: int) -> Wallet:
    return Wallet(OUTSIDE, external=True, balance=balance, version=7)


@dataclass(frozen=True)
class Case:
    """A transfer of `amount` between wallets with these balances, and what must be said of it."""

    name: str
    refusal: Refusal | None
    source: Wallet
    amount: int
    destination: Wallet

    def __str__(self) -> str:
        return self.name


# In the order of the Refusal enum, which is the order of precedence; what is applied comes last.
DECISIONS = [
    Case("an empty wallet", Refusal.INSUFFICIENT_FUNDS, client(ADA, 0), 1, client(BEN, 0)),
    Case("one cent short", Refusal.INSUFFICIENT_FUNDS, client(ADA, 999), 1000, client(BEN, 0)),
    Case("the largest amount, one cent short", Refusal.INSUFFICIENT_FUNDS, client(ADA, AMOUNT_MAX - 1), AMOUNT_MAX, client(BEN, 0)),
    Case("short, and too much for the receiver", Refusal.INSUFFICIENT_FUNDS, client(ADA, 1), 2, client(BEN, BALANCE_MAX)),
    Case("one cent over the limit", Refusal.BALANCE_LIMIT_EXCEEDED, client(ADA, 10), 1, client(BEN, BALANCE_MAX)),
    Case("a deposit one cent over the limit", Refusal.BALANCE_LIMIT_EXCEEDED, outside(0), 2, client(BEN, BALANCE_MAX - 1)),
    Case("outside one below its limit", Refusal.BALANCE_LIMIT_EXCEEDED, outside(EXTERNAL_BALANCE_MIN + 4), 5, client(BEN, 0)),
    Case("exactly enough", None, client(ADA, 1000), 1000, client(BEN, 0)),
    Case("exactly up to the limit", None, client(ADA, 1), 1, client(BEN, BALANCE_MAX - 1)),
    Case("the largest amount", None, client(ADA, BALANCE_MAX), AMOUNT_MAX, client(BEN, 0)),
    Case("outside goes below zero", None, outside(0), AMOUNT_MAX, client(BEN, 0)),
    Case("outside exactly down to its limit", None, outside(EXTERNAL_BALANCE_MIN + 5), 5, client(BEN, 0)),
]


@pytest.mark.parametrize("case", DECISIONS, ids=str)
def test_a_transfer_is_refused_for_the_first_reason_that_holds(case: Case) -> None:
    command = Command(UUID(int=1), case.source.id, case.destination.id, case.amount)
    book = Book({case.source.id: case.source, case.destination.id: case.destination})

    assert check(plan(command, book), book) is case.refusal


OF_RULES = DEBIT_LIMITS | {Refusal.WALLET_FROZEN}  # the wallets here have none


def test_the_table_of_decisions_covers_the_reasons_against_a_plain_transfer_in_their_order() -> None:
    order = list(dict.fromkeys(case.refusal for case in DECISIONS))

    assert order == [*(refusal for refusal in Refusal if refusal in KINDS["transfer"].refusals - ANY_TYPE - OF_RULES), None]


def test_an_applied_transfer_has_two_entries_and_changes_both_wallets() -> None:
    outcome = apply([Command(UUID(int=1), ADA, BEN, 30)], Book({ADA: client(ADA, 100), BEN: client(BEN, 5)}))

    assert outcome == Outcome(
        verdicts=[Verdict(UUID(int=1), None)],
        entries=[Entry(ADA, 8, UUID(int=1), -30, 70), Entry(BEN, 8, UUID(int=1), 30, 35)],
        wallets=[Wallet(ADA, external=False, balance=70, version=8), Wallet(BEN, external=False, balance=35, version=8)],
    )


def test_a_refused_transfer_changes_nothing() -> None:
    outcome = apply([Command(UUID(int=1), ADA, BEN, 101)], Book({ADA: client(ADA, 100), BEN: client(BEN, 5)}))

    assert outcome == Outcome(
        [Verdict(UUID(int=1), Refusal.INSUFFICIENT_FUNDS)], [], [], shortfalls=[Shortfall(UUID(int=1), available=100, needed=101)]
    )


def test_each_command_sees_what_those_before_it_did() -> None:
    wallets = {ADA: client(ADA, 10), BEN: client(BEN, 0), CAT: client(CAT, 0)}
    commands = [
        Command(UUID(int=1), BEN, CAT, 10),  # too early
        Command(UUID(int=2), ADA, BEN, 10),
        Command(UUID(int=3), BEN, CAT, 10),
        Command(UUID(int=4), BEN, CAT, 1),  # too late
    ]

    outcome = apply(commands, Book(wallets))

    assert [verdict.refusal for verdict in outcome.verdicts] == [
        Refusal.INSUFFICIENT_FUNDS,
        None,
        None,
        Refusal.INSUFFICIENT_FUNDS,
    ]
    assert {wallet.id: wallet.balance for wallet in outcome.wallets} == {ADA: 0, BEN: 0, CAT: 10}


def test_a_wallet_that_changes_twice_is_written_once_as_it_is_at_the_end() -> None:
    commands = [Command(UUID(int=n), ADA, BEN, 1) for n in range(1, 4)]

    outcome = apply(commands, Book({ADA: client(ADA, 10), BEN: client(BEN, 0)}))

    assert sorted(outcome.wallets) == [client(ADA, 7)._replace(version=10), client(BEN, 3)._replace(version=10)]


def test_a_command_on_a_wallet_that_was_not_given_is_a_bug_and_no_refusal() -> None:
    with pytest.raises(KeyError):
        apply([Command(UUID(int=1), ADA, CAT, 1)], Book({ADA: client(ADA, 10)}))


# --- Plans of several lines: no kind makes them yet, so they are given to `check` and `post` themselves ---


def decide(planned: Plan, book: Book) -> Refusal | None:
    """Do what the fold does with a command's plan."""
    refusal = check(planned, book)
    if refusal is None:
        post(planned, book)
    return refusal


def lines(*lines: Line) -> Plan:
    return Plan(UUID(int=9), lines)


def three_wallets() -> Book:
    return Book({ADA: client(ADA, 30), BEN: client(BEN, 0), CAT: client(CAT, 0)})


def test_lines_become_entries_in_their_order() -> None:
    book = three_wallets()

    assert decide(lines((ADA, -30), (BEN, 10), (CAT, 20)), book) is None

    assert book.entries == [
        Entry(ADA, 8, UUID(int=9), -30, 0),
        Entry(BEN, 8, UUID(int=9), 10, 10),
        Entry(CAT, 8, UUID(int=9), 20, 20),
    ]
    assert [(wallet.balance, wallet.version) for wallet in book.outcome().wallets] == [(0, 8), (10, 8), (20, 8)]


def test_a_line_is_checked_on_what_those_before_it_leave() -> None:
    book = three_wallets()

    assert decide(lines((ADA, -10), (BEN, 10), (BEN, -10), (CAT, 10)), book) is None

    assert [(entry.wallet_id, entry.version, entry.balance_after) for entry in book.entries] == [
        (ADA, 8, 20),
        (BEN, 8, 10),
        (BEN, 9, 0),
        (CAT, 8, 10),
    ]


def test_lines_that_would_be_covered_by_a_later_line_are_refused() -> None:
    book = three_wallets()

    assert decide(lines((BEN, -10), (CAT, 10), (ADA, -10), (BEN, 10)), book) is Refusal.INSUFFICIENT_FUNDS

    assert book.entries == []


def test_two_debits_that_a_wallet_covers_one_by_one_but_not_together_are_refused() -> None:
    book = three_wallets()

    assert decide(lines((ADA, -20), (BEN, 20), (ADA, -20), (CAT, 20)), book) is Refusal.INSUFFICIENT_FUNDS

    assert book.entries == []


def test_a_refusal_in_the_second_leg_leaves_wallets_versions_and_entries_untouched() -> None:
    book = three_wallets()
    decide(lines((ADA, -1), (BEN, 1)), book)
    wallets, entries = dict(book.wallets), list(book.entries)

    assert decide(lines((ADA, -20), (BEN, 20), (BEN, -22), (CAT, 22)), book) is Refusal.INSUFFICIENT_FUNDS

    assert (book.wallets, book.entries) == (wallets, entries)
    assert decide(lines((ADA, -29), (CAT, 29)), book) is None


def test_the_first_reason_in_the_order_of_refusals_counts_whichever_line_has_it() -> None:
    book = Book({ADA: client(ADA, 0), BEN: client(BEN, BALANCE_MAX), CAT: client(CAT, 5)})

    assert decide(lines((CAT, -5), (BEN, 5), (ADA, -1), (CAT, 1)), book) is Refusal.INSUFFICIENT_FUNDS
    assert decide(lines((CAT, -5), (BEN, 5)), book) is Refusal.BALANCE_LIMIT_EXCEEDED


# --- Laws: whatever the wallets and the commands are ---

IDS = [ADA, BEN, CAT, external_wallet(0), external_wallet(1)]
AMOUNTS = st.one_of(st.integers(1, 40), st.integers(1, AMOUNT_MAX), st.just(AMOUNT_MAX))
CLIENT_BALANCES = st.one_of(st.integers(0, 60), st.integers(BALANCE_MAX - 60, BALANCE_MAX))
EXTERNAL_BALANCES = st.one_of(st.integers(-60, 0), st.integers(EXTERNAL_BALANCE_MIN, EXTERNAL_BALANCE_MIN + 60))

# The same examples at every run: a suite that fails now and then teaches people to run it again.
bounded = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Command], dict[UUID, Wallet]]:
    """A batch of commands on five wallets, two of them external, with balances near zero or near the limits."""
    externals = set(IDS[3:])
    wallets = {
        id: Wallet(id, id in externals, draw(EXTERNAL_BALANCES if id in externals else CLIENT_BALANCES), draw(st.integers(0, 9)))
        for id in IDS
    }
    pairs = st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True)
    moves = draw(st.lists(st.tuples(pairs, AMOUNTS), max_size=30))
    return [
        Command(UUID(int=n), source, destination, amount) for n, ((source, destination), amount) in enumerate(moves, start=1)
    ], wallets


def after(outcome: Outcome, wallets: dict[UUID, Wallet]) -> dict[UUID, Wallet]:
    return {**wallets, **{wallet.id: wallet for wallet in outcome.wallets}}


def total(wallets: dict[UUID, Wallet]) -> int:
    return sum(wallet.balance for wallet in wallets.values())


@bounded
@given(batches())
def test_money_is_neither_made_nor_lost(batch: tuple[list[Command], dict[UUID, Wallet]]) -> None:
    commands, wallets = batch

    outcome = apply(commands, Book(wallets))

    assert total(after(outcome, wallets)) == total(wallets)
    assert sum(entry.amount for entry in outcome.entries) == 0


@bounded
@given(batches())
def test_no_balance_ever_leaves_its_limits(batch: tuple[list[Command], dict[UUID, Wallet]]) -> None:
    commands, wallets = batch

    for entry in apply(commands, Book(wallets)).entries:
        lowest = EXTERNAL_BALANCE_MIN if wallets[entry.wallet_id].external else 0
        assert lowest <= entry.balance_after <= BALANCE_MAX


@bounded
@given(batches())
def test_a_wallets_entries_continue_its_versions_and_its_balance(batch: tuple[list[Command], dict[UUID, Wallet]]) -> None:
    commands, wallets = batch
    outcome = apply(commands, Book(wallets))

    replayed = dict(wallets)
    for entry in outcome.entries:
        before = replayed[entry.wallet_id]
        assert entry.version == before.version + 1
        assert entry.balance_after == before.balance + entry.amount
        replayed[entry.wallet_id] = before._replace(balance=entry.balance_after, version=entry.version)

    assert replayed == after(outcome, wallets)
    assert len(outcome.wallets) == len({entry.wallet_id for entry in outcome.entries})


@bounded
@given(batches())
def test_an_applied_command_has_exactly_its_debit_and_its_credit_and_a_refused_one_has_nothing(
    batch: tuple[list[Command], dict[UUID, Wallet]],
) -> None:
    commands, wallets = batch
    outcome = apply(commands, Book(wallets))

    expected: list[tuple[UUID, UUID, int]] = []
    for command, verdict in zip(commands, outcome.verdicts, strict=True):
        assert verdict.transfer_id == command.transfer_id
        if verdict.refusal is None:
            expected += [
                (command.transfer_id, command.source, -command.amount),
                (command.transfer_id, command.destination, command.amount),
            ]
    assert [(entry.transfer_id, entry.wallet_id, entry.amount) for entry in outcome.entries] == expected


@bounded
@given(batches(), st.integers(0, 30))
def test_it_makes_no_difference_where_a_batch_is_cut(batch: tuple[list[Command], dict[UUID, Wallet]], cut: int) -> None:
    commands, wallets = batch

    whole = apply(commands, Book(wallets))
    first = apply(commands[:cut], Book(wallets))
    rest = apply(commands[cut:], Book(after(first, wallets)))

    assert first.verdicts + rest.verdicts == whole.verdicts
    assert first.entries + rest.entries == whole.entries
    assert after(rest, after(first, wallets)) == after(whole, wallets)


@bounded
@given(batches())
def test_the_ledger_agrees_with_a_dict_of_balances(batch: tuple[list[Command], dict[UUID, Wallet]]) -> None:
    commands, wallets = batch
    outcome = apply(commands, Book(wallets))

    balances = {wallet.id: wallet.balance for wallet in wallets.values()}
    applied = model(commands, balances)

    assert [verdict.refusal is None for verdict in outcome.verdicts] == applied
    assert {wallet.id: wallet.balance for wallet in after(outcome, wallets).values()} == balances


def model(commands: Sequence[Command], balances: dict[UUID, int]) -> list[bool]:
    """Move money between balances where both wallets stay within their limits; return which commands did."""
    applied = []
    for command in commands:
        left = balances[command.source] - command.amount
        grown = balances[command.destination] + command.amount
        lowest = 0 if command.source in (ADA, BEN, CAT) else EXTERNAL_BALANCE_MIN
        applied.append(left >= lowest and grown <= BALANCE_MAX)
        if applied[-1]:
            balances[command.source], balances[command.destination] = left, grown
    return applied


def test_the_examples_of_the_laws_meet_every_verdict() -> None:
    met: Counter[Refusal | None] = Counter()

    @bounded
    @given(batches())
    def count(batch: tuple[list[Command], dict[UUID, Wallet]]) -> None:
        commands, wallets = batch
        met.update(verdict.refusal for verdict in apply(commands, Book(wallets)).verdicts)

    count()

    for verdict in (None, Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED):
        assert met[verdict] > 50, met
