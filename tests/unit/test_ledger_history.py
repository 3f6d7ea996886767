"""Long histories of the pure ledger, batch after batch, against a model that knows nothing but a dict of balances."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from core.ids import external_wallet
from core.ledger.book import Book, Entry, Verdict, Wallet
from core.ledger.check import check
from core.ledger.commands import Command
from core.ledger.fold import apply
from core.ledger.lines import Line
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.plan import Plan
from core.ledger.post import post
from core.ledger.refusals import Refusal

HISTORIES = 15
MANY_HISTORIES = 60
STEPS = 50

# How much is asked for, beside what the two wallets hold: the limits themselves, and one beyond them, come up again and again.
AMOUNTS = st.one_of(
    st.integers(1, 100),
    st.sampled_from(["all of it", "one more than all", "up to the limit", "one beyond the limit"]),
    st.just(AMOUNT_MAX),
)


class History(RuleBasedStateMachine):
    """The ledger is given what it left itself the last time; the model goes on from its own."""

    wallets: Bundle[UUID] = Bundle("wallets")
    met: ClassVar[Counter[Refusal | None]] = Counter()
    met_by_plans: ClassVar[Counter[Refusal | None]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.ledger: dict[UUID, Wallet] = {}  # as a database would keep it, written by the outcomes alone
        self.entries: list[Entry] = []
        self.balances: dict[UUID, int] = {}  # the model
        self.moves: dict[UUID, list[int]] = {}
        self.lowest: dict[UUID, int] = {}
        self.commanded = 0

    @initialize(target=wallets, low=st.booleans())
    def begin(self, low: bool) -> MultipleResults[UUID]:
        """Two external wallets, one of them perhaps nearly as low as it may be, and a client's."""
        near_its_limit = EXTERNAL_BALANCE_MIN + 500 if low else 0
        return multiple(
            self._open(external_wallet(0), 0, EXTERNAL_BALANCE_MIN),
            self._open(external_wallet(1), near_its_limit, EXTERNAL_BALANCE_MIN),
            self._open(UUID(int=1000), 0, 0),
        )

    @rule(target=wallets, balance=st.one_of(st.integers(0, 100), st.integers(BALANCE_MAX - 100, BALANCE_MAX)))
    def open_a_wallet(self, balance: int) -> UUID:
        return self._open(UUID(int=1000 + len(self.ledger)), balance, 0)

    @rule(moves=st.lists(st.tuples(wallets, wallets, AMOUNTS), max_size=25))
    def apply_a_batch(self, moves: list[tuple[UUID, UUID, int | str]]) -> None:
        commands, expected = [], []
        for source, destination, wanted in moves:
            if source == destination:
                continue  # the API and the schema refuse it: no such transfer ever reaches the ledger
            command = self._command(source, destination, wanted)
            commands.append(command)
            lines = [(source, -command.amount), (destination, command.amount)]
            expected.append(Verdict(command.transfer_id, self._move(lines)))

        touched = {id for command in commands for id in (command.source, command.destination)}
        outcome = apply(commands, Book({id: self.ledger[id] for id in touched}))

        assert outcome.verdicts == expected
        self.met.update(verdict.refusal for verdict in expected)
        self.ledger |= {wallet.id: wallet for wallet in outcome.wallets}
        self.entries += outcome.entries

    @rule(legs=st.lists(st.tuples(wallets, wallets, AMOUNTS), min_size=2, max_size=6))
    def post_a_plan_of_several_legs(self, legs: list[tuple[UUID, UUID, int | str]]) -> None:
        """No command makes such a plan yet, so it is given to `check` and `post` themselves."""
        commands = [self._command(*leg) for leg in legs if leg[0] != leg[1]]
        if not commands:
            return
        lines = [
            line for command in commands for line in ((command.source, -command.amount), (command.destination, command.amount))
        ]
        planned = Plan(commands[0].transfer_id, tuple(lines))
        expected = self._move(lines)

        book = Book(self.ledger)
        refusal = check(planned, book)
        if refusal is None:
            post(planned, book)

        assert refusal == expected
        self.met_by_plans[refusal] += 1
        outcome = book.outcome()
        self.ledger = {**self.ledger, **{wallet.id: wallet for wallet in outcome.wallets}}
        self.entries += outcome.entries

    @invariant()
    def the_balances_are_those_of_the_model_and_the_versions_count_its_moves(self) -> None:
        stored = {id: (wallet.balance, wallet.version) for id, wallet in self.ledger.items()}
        assert stored == {id: (balance, len(self.moves[id])) for id, balance in self.balances.items()}

    @invariant()
    def the_entries_sum_to_zero_and_are_those_of_the_model_wallet_by_wallet(self) -> None:
        assert sum(entry.amount for entry in self.entries) == 0
        written: dict[UUID, list[int]] = {id: [] for id in self.moves}
        for entry in self.entries:
            written[entry.wallet_id].append(entry.amount)
            assert entry.version == len(written[entry.wallet_id])
        assert written == self.moves

    def _open(self, id: UUID, balance: int, lowest: int) -> UUID:
        self.ledger[id] = Wallet(id, external=lowest < 0, balance=balance, version=0)
        self.balances[id], self.moves[id], self.lowest[id] = balance, [], lowest
        return id

    def _command(self, source: UUID, destination: UUID, wanted: int | str) -> Command:
        has, room = self.balances[source] - self.lowest[source], BALANCE_MAX - self.balances[destination]
        named = {"all of it": has, "one more than all": has + 1, "up to the limit": room, "one beyond the limit": room + 1}
        amount = named[wanted] if isinstance(wanted, str) else wanted
        self.commanded += 1
        return Command(UUID(int=self.commanded), source, destination, min(max(amount, 1), AMOUNT_MAX))

    def _move(self, lines: Sequence[Line]) -> Refusal | None:
        """Name every reason against the lines and return the one that comes first; else move."""
        balances = dict(self.balances)
        against = set()
        for id, amount in lines:
            balances[id] += amount
            too_low = balances[id] < self.lowest[id]
            if too_low and self.lowest[id] == 0:
                against.add(Refusal.INSUFFICIENT_FUNDS)
            elif too_low or balances[id] > BALANCE_MAX:
                against.add(Refusal.BALANCE_LIMIT_EXCEEDED)
        if against:
            return min(against, key=list(Refusal).index)
        self.balances = balances
        for id, amount in lines:
            self.moves[id].append(amount)
        return None


@pytest.mark.parametrize("histories", [HISTORIES, pytest.param(MANY_HISTORIES, marks=pytest.mark.long)])
def test_a_history_of_batches_leaves_the_ledger_where_a_dict_of_balances_is(histories: int) -> None:
    bounded = settings(max_examples=histories, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None)
    History.met.clear()
    History.met_by_plans.clear()

    run_state_machine_as_test(History, settings=bounded)

    for verdict in (None, Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED):
        assert History.met[verdict] > 100, History.met
        assert History.met_by_plans[verdict] > 20, History.met_by_plans
