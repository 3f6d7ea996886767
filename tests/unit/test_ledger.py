"""The ledger decides without I/O, so it is tested by tables, by laws, and against a model of a few lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import external_wallet
from core.ledger.fold import Claim, Entry, Outcome, Refusal, Verdict, Wallet, apply, decide
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN

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
    assert (
        decide(Claim(UUID(int=1), case.source.id, case.destination.id, case.amount), case.source, case.destination) is case.refusal
    )


def test_the_table_of_decisions_covers_the_whole_enum_in_its_order() -> None:
    order = list(dict.fromkeys(case.refusal for case in DECISIONS))

    assert order == [*(refusal for refusal in Refusal if refusal is not Refusal.INTERNAL), None]


def test_an_applied_transfer_has_two_entries_and_changes_both_wallets() -> None:
    outcome = apply([Claim(UUID(int=1), ADA, BEN, 30)], {ADA: client(ADA, 100), BEN: client(BEN, 5)})

    assert outcome == Outcome(
        verdicts=[Verdict(UUID(int=1), None)],
        entries=[Entry(ADA, 8, UUID(int=1), -30, 70), Entry(BEN, 8, UUID(int=1), 30, 35)],
        wallets=[Wallet(ADA, external=False, balance=70, version=8), Wallet(BEN, external=False, balance=35, version=8)],
    )


def test_a_refused_transfer_changes_nothing() -> None:
    outcome = apply([Claim(UUID(int=1), ADA, BEN, 101)], {ADA: client(ADA, 100), BEN: client(BEN, 5)})

    assert outcome == Outcome([Verdict(UUID(int=1), Refusal.INSUFFICIENT_FUNDS)], [], [])


def test_each_claim_sees_what_those_before_it_did() -> None:
    wallets = {ADA: client(ADA, 10), BEN: client(BEN, 0), CAT: client(CAT, 0)}
    claims = [
        Claim(UUID(int=1), BEN, CAT, 10),  # too early
        Claim(UUID(int=2), ADA, BEN, 10),
        Claim(UUID(int=3), BEN, CAT, 10),
        Claim(UUID(int=4), BEN, CAT, 1),  # too late
    ]

    outcome = apply(claims, wallets)

    assert [verdict.refusal for verdict in outcome.verdicts] == [
        Refusal.INSUFFICIENT_FUNDS,
        None,
        None,
        Refusal.INSUFFICIENT_FUNDS,
    ]
    assert {wallet.id: wallet.balance for wallet in outcome.wallets} == {ADA: 0, BEN: 0, CAT: 10}


def test_a_wallet_that_changes_twice_is_written_once_as_it_is_at_the_end() -> None:
    claims = [Claim(UUID(int=n), ADA, BEN, 1) for n in range(1, 4)]

    outcome = apply(claims, {ADA: client(ADA, 10), BEN: client(BEN, 0)})

    assert sorted(outcome.wallets) == [client(ADA, 7)._replace(version=10), client(BEN, 3)._replace(version=10)]


def test_a_claim_on_a_wallet_that_was_not_given_is_a_bug_and_no_refusal() -> None:
    with pytest.raises(KeyError):
        apply([Claim(UUID(int=1), ADA, CAT, 1)], {ADA: client(ADA, 10)})


# --- Laws: whatever the wallets and the claims are ---

IDS = [ADA, BEN, CAT, external_wallet(0), external_wallet(1)]
AMOUNTS = st.one_of(st.integers(1, 40), st.integers(1, AMOUNT_MAX), st.just(AMOUNT_MAX))
CLIENT_BALANCES = st.one_of(st.integers(0, 60), st.integers(BALANCE_MAX - 60, BALANCE_MAX))
EXTERNAL_BALANCES = st.one_of(st.integers(-60, 0), st.integers(EXTERNAL_BALANCE_MIN, EXTERNAL_BALANCE_MIN + 60))

# The same examples at every run: a suite that fails now and then teaches people to run it again.
bounded = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Claim], dict[UUID, Wallet]]:
    """A batch of claims on five wallets, two of them external, with balances near zero or near the limits."""
    externals = set(IDS[3:])
    wallets = {
        id: Wallet(id, id in externals, draw(EXTERNAL_BALANCES if id in externals else CLIENT_BALANCES), draw(st.integers(0, 9)))
        for id in IDS
    }
    pairs = st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True)
    moves = draw(st.lists(st.tuples(pairs, AMOUNTS), max_size=30))
    return [
        Claim(UUID(int=n), source, destination, amount) for n, ((source, destination), amount) in enumerate(moves, start=1)
    ], wallets


def after(outcome: Outcome, wallets: dict[UUID, Wallet]) -> dict[UUID, Wallet]:
    return {**wallets, **{wallet.id: wallet for wallet in outcome.wallets}}


def total(wallets: dict[UUID, Wallet]) -> int:
    return sum(wallet.balance for wallet in wallets.values())


@bounded
@given(batches())
def test_money_is_neither_made_nor_lost(batch: tuple[list[Claim], dict[UUID, Wallet]]) -> None:
    claims, wallets = batch

    outcome = apply(claims, wallets)

    assert total(after(outcome, wallets)) == total(wallets)
    assert sum(entry.amount for entry in outcome.entries) == 0


@bounded
@given(batches())
def test_no_balance_ever_leaves_its_limits(batch: tuple[list[Claim], dict[UUID, Wallet]]) -> None:
    claims, wallets = batch

    for entry in apply(claims, wallets).entries:
        lowest = EXTERNAL_BALANCE_MIN if wallets[entry.wallet_id].external else 0
        assert lowest <= entry.balance_after <= BALANCE_MAX


@bounded
@given(batches())
def test_a_wallets_entries_continue_its_versions_and_its_balance(batch: tuple[list[Claim], dict[UUID, Wallet]]) -> None:
    claims, wallets = batch
    outcome = apply(claims, wallets)

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
def test_an_applied_claim_has_exactly_its_debit_and_its_credit_and_a_refused_one_has_nothing(
    batch: tuple[list[Claim], dict[UUID, Wallet]],
) -> None:
    claims, wallets = batch
    outcome = apply(claims, wallets)

    expected: list[tuple[UUID, UUID, int]] = []
    for claim, verdict in zip(claims, outcome.verdicts, strict=True):
        assert verdict.transfer_id == claim.transfer_id
        if verdict.refusal is None:
            expected += [
                (claim.transfer_id, claim.source, -claim.amount),
                (claim.transfer_id, claim.destination, claim.amount),
            ]
    assert [(entry.transfer_id, entry.wallet_id, entry.amount) for entry in outcome.entries] == expected


@bounded
@given(batches(), st.integers(0, 30))
def test_it_makes_no_difference_where_a_batch_is_cut(batch: tuple[list[Claim], dict[UUID, Wallet]], cut: int) -> None:
    claims, wallets = batch

    whole = apply(claims, wallets)
    first = apply(claims[:cut], wallets)
    rest = apply(claims[cut:], after(first, wallets))

    assert first.verdicts + rest.verdicts == whole.verdicts
    assert first.entries + rest.entries == whole.entries
    assert after(rest, after(first, wallets)) == after(whole, wallets)


@bounded
@given(batches())
def test_the_ledger_agrees_with_a_dict_of_balances(batch: tuple[list[Claim], dict[UUID, Wallet]]) -> None:
    claims, wallets = batch
    outcome = apply(claims, wallets)

    balances = {wallet.id: wallet.balance for wallet in wallets.values()}
    applied = model(claims, balances)

    assert [verdict.refusal is None for verdict in outcome.verdicts] == applied
    assert {wallet.id: wallet.balance for wallet in after(outcome, wallets).values()} == balances


def model(claims: Sequence[Claim], balances: dict[UUID, int]) -> list[bool]:
    """Move money between balances where both wallets stay within their limits; tell which claims did."""
    applied = []
    for claim in claims:
        left = balances[claim.source] - claim.amount
        grown = balances[claim.destination] + claim.amount
        lowest = 0 if claim.source in (ADA, BEN, CAT) else EXTERNAL_BALANCE_MIN
        applied.append(left >= lowest and grown <= BALANCE_MAX)
        if applied[-1]:
            balances[claim.source], balances[claim.destination] = left, grown
    return applied


def test_the_examples_of_the_laws_meet_every_verdict() -> None:
    met: Counter[Refusal | None] = Counter()

    @bounded
    @given(batches())
    def count(batch: tuple[list[Claim], dict[UUID, Wallet]]) -> None:
        met.update(verdict.refusal for verdict in apply(*batch).verdicts)

    count()

    for verdict in (None, Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED):
        assert met[verdict] > 50, met
