"""Long histories of all verbs, batch after batch, against a model, and against what an audit would check after each batch."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from core.ids import external_wallet
from core.ledger.book import Book, Entry, Parent, Wallet
from core.ledger.commands import Command, Special
from core.ledger.fold import apply
from core.ledger.kinds import KINDS, Fit, Type
from core.ledger.lines import Lines, are_several_legs
from core.ledger.refusals import Refusal

HISTORIES = 20
BATCHES = 25
BATCH_MAX = 12
CLIENTS = [UUID(int=1000 + number) for number in range(4)]
OUTSIDE = external_wallet(0)
BEGIN = 1_769_817_600_000_000
SECOND = 1_000_000
FITS: Mapping[Type, list[Fit | None]] = {
    "withdrawal": [None, "funds"],
    "transfer": [None, "funds"],
    "capture": [None, "rest"],
    "release": [None, "rest"],
    "reversal": [None, "rest", "funds", "rest_and_funds"],
}


@dataclass
class Model:
    """Balances, reserves and remainders as plain numbers. It shares no code with the ledger."""

    balance: Counter[UUID] = field(default_factory=Counter)
    held: Counter[UUID] = field(default_factory=Counter)
    left: dict[UUID, int] = field(default_factory=dict)  # of each applied parent
    ends: dict[UUID, int] = field(default_factory=dict)  # of each applied hold

    def do(self, one: Command, expires_at: int) -> tuple[Refusal | None, int]:
        """Say what becomes of the command, and what it comes to; do it."""
        special = one.special
        assert special is not None
        if special.is_late:
            return Refusal.DEADLINE_PASSED, 0
        available = 2**60 if one.source == OUTSIDE else self.balance[one.source] - self.held[one.source]
        if special.lines:
            available = one.amount if all(self.balance[id] - self.held[id] >= -line for id, line in special.lines) else 0
        left = self.left.get(special.parent, 0) if special.parent else 0
        amount = left if special.fit in {"rest", "rest_and_funds"} else one.amount
        if special.type in {"capture", "release"}:
            is_over = special.type == "capture" and special.accepted_at >= self.ends.get(special.parent or one.transfer_id, BEGIN)
            if left == 0 or is_over:
                return Refusal.HOLD_CLOSED, 0
            if amount > left:
                return Refusal.HOLD_EXCEEDED, 0
        elif special.type == "reversal" and (left == 0 or amount > left):
            return Refusal.REVERSAL_EXCEEDED, 0
        elif available < (1 if special.fit in {"funds", "rest_and_funds"} else amount):
            return Refusal.INSUFFICIENT_FUNDS, 0
        if special.type == "reversal" and available < (1 if special.fit in {"funds", "rest_and_funds"} else amount):
            return Refusal.INSUFFICIENT_FUNDS, 0
        if special.fit in {"funds", "rest_and_funds"}:
            amount = min(amount, available)
        self._move(one, special, amount, expires_at)
        return None, amount

    def _move(self, one: Command, special: Special, amount: int, expires_at: int) -> None:
        if special.type == "hold":
            self.held[one.source] += amount
            self.ends[one.transfer_id] = expires_at
        if special.type in {"capture", "release"}:
            self.held[one.source] -= amount
        if special.parent:
            self.left[special.parent] -= amount
            if special.closes:
                self.held[one.source] -= self.left[special.parent]
                self.left[special.parent] = 0
        if special.type not in {"hold", "release"}:
            for id, change in special.lines or ((one.source, -amount), (one.destination, amount)):
                self.balance[id] += change
        self.left[one.transfer_id] = amount


class History:
    """A ledger that is kept as a database would keep it: by the outcomes alone."""

    def __init__(self, seed: int, met: Counter[tuple[Type, Refusal | None]]) -> None:
        self.random = random.Random(seed)
        self.met = met
        self.model = Model()
        self.wallets = {id: Wallet(id, external=id == OUTSIDE, balance=0, version=0) for id in [*CLIENTS, OUTSIDE]}
        self.parents: dict[UUID, Parent] = {}
        self.commands: dict[UUID, Command] = {}
        self.applied: dict[UUID, int] = {}  # what each applied command came to
        self.open: set[UUID] = set()
        self.several_legs = 0
        self.entries: list[Entry] = []
        self.now = BEGIN

    def run_batch(self) -> None:
        commands = [self._command() for _ in range(self.random.randint(1, BATCH_MAX))]
        expected = [self.model.do(one, self.parents[one.transfer_id].expires_at or BEGIN) for one in commands]
        wanted = {one.special.parent or one.transfer_id for one in commands if one.special}
        outcome = apply(commands, Book(self.wallets, {id: self.parents[id] for id in wanted if id in self.parents}))

        assert [(verdict.refusal, verdict.moved) for verdict in outcome.verdicts] == expected
        for one, (refusal, moved) in zip(commands, expected, strict=True):
            assert one.special is not None
            self.met[one.special.type, refusal] += 1
            if refusal is None:
                self.applied[one.transfer_id] = moved
                self.parents[one.transfer_id] = self.parents[one.transfer_id]._replace(is_applied=True, total=moved)
        for parent in outcome.parents:
            stored = self.parents[parent.id]
            self.parents[parent.id] = stored._replace(captured=parent.captured, returned=parent.returned)
        self.open = (self.open | {hold.id for hold in outcome.opened}) - {hold.id for hold in outcome.closed}
        self.wallets |= {wallet.id: wallet for wallet in outcome.wallets}
        self.entries += outcome.entries
        self._audit()
        self.now += SECOND * self.random.choice([0, 1, 30])

    def _audit(self) -> None:
        """Compare with the model, then check what an audit of the tables checks."""
        assert {id: wallet.balance for id, wallet in self.wallets.items()} == {id: self.model.balance[id] for id in self.wallets}
        assert sum(entry.amount for entry in self.entries) == 0
        lines = Counter((entry.transfer_id, entry.wallet_id, entry.amount) for entry in self.entries)
        assert lines == Counter(
            (id, wallet, amount)
            for id, moved in self.applied.items()
            if self._type(id) not in {"hold", "release"}
            for wallet, amount in self.commands[id].lines
            or ((self.commands[id].source, -moved), (self.commands[id].destination, moved))
        )
        remaining: Counter[UUID] = Counter()
        for id in self.applied:
            if self._type(id) == "hold":
                remaining[self.commands[id].source] += self.parents[id].remaining
        for wallet in self.wallets.values():
            assert wallet.held == remaining[wallet.id] == self.model.held[wallet.id]
            assert wallet.external or wallet.held <= wallet.balance
        assert self.open == {id for id in self.applied if self._type(id) == "hold" and self.parents[id].remaining}
        for id, parent in self.parents.items():
            self._audit_parent(id, parent)

    def _audit_parent(self, id: UUID, parent: Parent) -> None:
        children = [(one.special, self.applied[one.transfer_id]) for one in self.commands.values()
                    if one.special and one.special.parent == id and one.transfer_id in self.applied]  # fmt: skip
        assert parent.captured == sum(moved for special, moved in children if special.type == "capture")
        given_back = sum(moved for special, moved in children if special.type != "capture")
        if any(special.closes for special, _ in children):
            assert parent.remaining == 0
            assert parent.returned >= given_back
        else:
            assert parent.returned == given_back
        assert parent.captured + parent.returned <= parent.total
        assert all(special.accepted_at < parent.expires_at for special, _ in children
                   if special.type == "capture" and parent.expires_at)  # fmt: skip

    def _type(self, id: UUID) -> Type:
        special = self.commands[id].special
        assert special is not None
        return special.type

    def _command(self) -> Command:
        """A command of any type. A child is of a hold or of a movement that was sent before, in the same batch perhaps."""
        type = self.random.choice(list(KINDS))
        id = UUID(int=len(self.commands) + 1)
        parents = [one for one in self.commands.values() if self._may_have(type, one)][-12:]
        if type in {"capture", "release", "reversal"} and not parents:
            type = "deposit"
        source, destination = self.random.sample(CLIENTS, 2)
        parent = self.random.choice(parents) if type in {"capture", "release", "reversal"} else None
        if parent:
            source, destination = parent.source, parent.destination
        if type == "reversal":
            source, destination = destination, source
        elif type == "deposit":
            source = OUTSIDE
        elif type == "withdrawal" or (type == "hold" and self.random.random() < 0.3):
            destination = OUTSIDE
        fit = self.random.choice(FITS.get(type, [None]))
        lines = self._lines(type, source, parent)
        if lines is not None:
            fit, source, destination = None, lines[0][0], next(id for id, line in lines if line > 0)
        special = Special(
            type,
            accepted_at=self.now,
            parent=parent.transfer_id if parent else None,
            fit=fit,
            closes=type == "capture" and self.random.random() < 0.3,
            is_late=self.random.random() < 0.05,
            lines=lines,
        )
        amount = parent.amount if parent and fit in {"rest", "rest_and_funds"} else self.random.randint(1, 60)
        if lines is not None:
            amount = sum(line for _, line in lines if line > 0)
        made = self.commands[id] = Command(id, source, destination, amount, special)
        ends = self.now + SECOND * self.random.choice([1, 60, 600])
        self.parents[id] = Parent(id, type, source, destination, False, amount, 0, 0, ends if type == "hold" else None, lines)
        if lines is not None:
            self.several_legs += len(lines) > 2
        return made

    def _lines(self, type: Type, source: UUID, parent: Command | None) -> Lines | None:
        """Lines of some transfers and captures; those of a reversal of several legs are its parent's, turned round."""
        if type == "reversal" and parent is not None and are_several_legs(parent.lines):
            return tuple(sorted(((id, -line) for id, line in parent.lines or ()), key=lambda line: line[1] > 0))
        if type not in {"transfer", "capture"} or self.random.random() < 0.6:
            return None
        first = [source] if type == "capture" else self.random.sample(CLIENTS, self.random.choice([1, 1, 2]))
        others = [id for id in CLIENTS if id not in first]
        credited = [(id, self.random.randint(1, 20)) for id in self.random.sample(others, self.random.randint(1, len(others)))]
        total = sum(line for _, line in credited)
        if len(first) + len(credited) < (2 if type == "capture" else 3) or total < len(first):
            return None
        rest = total - len(first) + 1
        return ((first[0], -rest), *((id, -1) for id in first[1:]), *credited)

    def _may_have(self, type: Type, one: Command) -> bool:
        """Whether it may have such a child. The API accepts a reversal of what is applied, a capture of a queued hold too."""
        of = self._type(one.transfer_id)
        if type in {"capture", "release"}:
            return of == "hold"
        return of in {"deposit", "withdrawal", "transfer", "capture"} and one.transfer_id in self.applied


def test_histories_of_all_verbs_agree_with_a_model_and_pass_an_audit_after_each_batch() -> None:
    met: Counter[tuple[Type, Refusal | None]] = Counter()
    several_legs = 0

    for seed in range(HISTORIES):
        history = History(seed, met)
        for _ in range(BATCHES):
            history.run_batch()
        several_legs += history.several_legs

    assert several_legs > 100
    beyond_reach = {Refusal.BALANCE_LIMIT_EXCEEDED, Refusal.INTERNAL}
    for type, kind in KINDS.items():
        for verdict in (None, *(kind.refusals - beyond_reach)):
            assert met[type, verdict] > 10, (type, verdict, met)
