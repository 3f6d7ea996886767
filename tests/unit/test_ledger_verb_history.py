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
from core.ledger.rules import Frozen, Limits, Rules

HISTORIES = 75
BATCHES = 25
BATCH_MAX = 12
CLIENTS = [UUID(int=1000 + number) for number in range(4)]
OUTSIDE = external_wallet(0)
BEGIN = 1_769_817_600_000_000
SECOND = 1_000_000
FREEZES: list[Frozen | None] = [None, None, None, "debits", "credits", "all"]
LIMITED = (("balance_max", 60, 150), ("debit_max", 30, 50), ("debits_per_day_max", 20, 60), ("debits_per_month_max", 30, 80))
COUNTED = {"transfer", "withdrawal", "hold"}
MONTH = 3  # days
FITS: Mapping[Type, list[Fit | None]] = {
    "withdrawal": [None, "funds"],
    "transfer": [None, "funds"],
    "capture": [None, "rest"],
    "release": [None, "rest"],
    "reversal": [None, "rest", "funds", "rest_and_funds"],
}


def first_of_month(day: int) -> int:
    return day - day % MONTH


def limits_of(most: Mapping[str, int | None], today: int, month_began: int, debits: tuple[int, int]) -> Limits:
    counters = today, month_began, *debits
    return Limits(most["balance_max"], most["debit_max"], most["debits_per_day_max"], most["debits_per_month_max"], *counters)


@dataclass
class Model:
    """Balances, rules, reserves and remainders as plain numbers. It shares no code with the ledger."""

    balance: Counter[UUID] = field(default_factory=Counter)
    held: Counter[UUID] = field(default_factory=Counter)
    left: dict[UUID, int] = field(default_factory=dict)  # of each applied parent
    ends: dict[UUID, int] = field(default_factory=dict)  # of each applied hold

    shut: set[UUID] = field(default_factory=set)
    frozen: dict[UUID, Frozen | None] = field(default_factory=dict)
    limits: dict[UUID, dict[str, int]] = field(default_factory=dict)  # of each wallet that has ever had one
    counted: dict[UUID, list[tuple[UUID, int]]] = field(default_factory=dict)  # of each wallet, what counts, and since which day
    counts: Counter[tuple[UUID, UUID]] = field(default_factory=Counter)  # what of it counts still, by the wallet that it debits
    day: int = 0

    def do(self, one: Command, expires_at: int) -> tuple[Refusal | None, int]:
        """Say what becomes of the command, and what it comes to; do it."""
        special = one.special
        assert special is not None
        refusal, amount = self._decide(one, special)
        if refusal is None:
            self._move(one, special, amount, expires_at)
        return refusal, amount if refusal is None else 0

    def used(self, wallet: UUID) -> tuple[int, int]:
        """What counts today, and this month."""
        found = [(day, self.counts[id, wallet]) for id, day in self.counted.get(wallet, [])]
        began = first_of_month(self.day)
        return sum(amount for day, amount in found if day == self.day), sum(amount for day, amount in found if day >= began)

    def _decide(self, one: Command, special: Special) -> tuple[Refusal | None, int]:
        type = special.type
        available = 2**60 if one.source == OUTSIDE else self.balance[one.source] - self.held[one.source]
        left = self.left.get(special.parent, 0) if special.parent else 0
        amount = left if special.fit in {"rest", "rest_and_funds"} else one.amount
        if special.is_late:
            return Refusal.DEADLINE_PASSED, 0
        if standing := self._standing(one, special):
            return standing, 0
        if of_parent := self._of_parent(one, special, amount, left):
            return of_parent, 0
        if type == "closure":
            amount = self.balance[one.source]
            if self.held[one.source] or (amount and not special.sweeps):
                return Refusal.WALLET_HAS_HOLDS if self.held[one.source] else Refusal.WALLET_NOT_EMPTY, 0
        if special.fit in {"funds", "rest_and_funds"}:
            amount = max(min(amount, available), 1)
        return self._of_lines(type, lines_of(one, amount)), amount

    def _of_lines(self, type: Type, lines: Lines) -> Refusal | None:
        """Return the first reason of the wallets against these lines, in the order of refusals and then of the lines."""
        reasons = [self._passed(id, -line) for id, line in lines if line < 0 and type in COUNTED]
        for id, line in lines:
            most = self.limits.get(id, {}).get("balance_max", 2**60)
            if line < 0 and id != OUTSIDE and type not in {"capture", "release", "closure"}:
                reasons += [Refusal.INSUFFICIENT_FUNDS] if self.balance[id] - self.held[id] < -line else []
            elif line > 0 and type not in {"hold", "release"}:
                reasons += [Refusal.BALANCE_LIMIT_EXCEEDED] if self.balance[id] + line > most else []
        return next((reason for reason in Refusal if reason in reasons), None)

    def _of_parent(self, one: Command, special: Special, amount: int, left: int) -> Refusal | None:
        if special.type == "reversal" and (left == 0 or amount > left):
            return Refusal.REVERSAL_EXCEEDED
        if special.type not in {"capture", "release"}:
            return None
        is_over = special.type == "capture" and special.accepted_at >= self.ends.get(special.parent or one.transfer_id, BEGIN)
        if left == 0 or is_over:
            return Refusal.HOLD_CLOSED
        return Refusal.HOLD_EXCEEDED if amount > left else None

    def _passed(self, wallet: UUID, amount: int) -> Refusal | None:
        """Return the first limit of debits that so much more would pass."""
        limits, (today, this_month) = self.limits.get(wallet, {}), self.used(wallet)
        if amount > limits.get("debit_max", amount):
            return Refusal.DEBIT_LIMIT_EXCEEDED
        if today + amount > limits.get("debits_per_day_max", 2**60):
            return Refusal.DAILY_LIMIT_EXCEEDED
        return Refusal.MONTHLY_LIMIT_EXCEEDED if this_month + amount > limits.get("debits_per_month_max", 2**60) else None

    def _standing(self, one: Command, special: Special) -> Refusal | None:
        """A closed wallet is touched by nothing. A freeze stops what is new, and what clients turn round."""
        type = special.type
        moves_in = type != "release" and (type != "closure" or (special.sweeps and self.balance[one.source] > 0))
        debited, credited = ([id for id, line in lines_of(one, 1) if (line > 0) is into] for into in (False, True))
        if any(id in self.shut for id in (*debited, *(credited if moves_in else ()))):
            return Refusal.WALLET_CLOSED
        out = type in {"transfer", "withdrawal", "hold"} or (type == "reversal" and special.by_client)
        into = type in {"capture", "deposit", "closure"} or out
        if out and any(self.frozen.get(id) in {"debits", "all"} for id in debited):
            return Refusal.WALLET_FROZEN
        if into and moves_in and any(self.frozen.get(id) in {"credits", "all"} for id in credited):
            return Refusal.WALLET_FROZEN
        return None

    def _move(self, one: Command, special: Special, amount: int, expires_at: int) -> None:
        if special.type == "hold":
            self.held[one.source] += amount
            self.ends[one.transfer_id] = expires_at
        if special.type in {"capture", "release"}:
            self.held[one.source] -= amount
        if special.type in COUNTED:
            self._count(one.transfer_id, lines_of(one, amount))
        if special.type == "closure":
            self.shut.add(one.source)
        if special.parent:
            self._give_back(one, special.parent, special, amount)
            self.left[special.parent] -= amount
            if special.closes:
                self.held[one.source] -= self.left[special.parent]
                self.left[special.parent] = 0
        if special.type not in {"hold", "release"}:
            for id, change in lines_of(one, amount):
                self.balance[id] += change
        self.left[one.transfer_id] = amount

    def _count(self, id: UUID, lines: Lines) -> None:
        for wallet, line in lines:
            if line < 0 and wallet in self.limits:
                self.counted.setdefault(wallet, []).append((id, self.day))
                self.counts[id, wallet] = -line

    def _give_back(self, one: Command, hold: UUID, special: Special, amount: int) -> None:
        if special.type == "release":
            self.counts[hold, one.source] -= amount
        elif special.closes:
            self.counts[hold, one.source] -= self.left[hold] - amount


def lines_of(one: Command, amount: int) -> Lines:
    return one.lines or ((one.source, -amount), (one.destination, amount))


class History:
    """A ledger that is kept as a database would keep it: by the outcomes alone."""

    def __init__(self, seed: int, met: Counter[tuple[Type, Refusal | None]]) -> None:
        self.random = random.Random(seed)
        self.met = met
        self.model = Model()
        self.clients = [*CLIENTS]
        self.wallets = {id: Wallet(id, external=id == OUTSIDE, balance=0, version=0) for id in [*CLIENTS, OUTSIDE]}
        self.parents: dict[UUID, Parent] = {}
        self.commands: dict[UUID, Command] = {}
        self.applied: dict[UUID, int] = {}  # what each applied command came to
        self.open: set[UUID] = set()
        self.several_legs = 0
        self.entries: list[Entry] = []
        self.now = BEGIN

    def change_rules(self) -> None:
        """Freeze a wallet, or limit it, as an operator does between two batches; let a day pass, or open a wallet."""
        dice, wallet = self.random, self.wallets[self.random.choice(self.clients)]
        rules = wallet.rules or Rules()
        if rules.is_closed:
            return
        if dice.random() < 0.4:
            frozen: Frozen | None = dice.choice(FREEZES)
            self.model.frozen[wallet.id] = frozen
            rules = rules._replace(frozen=frozen)
        else:
            asked = {name: dice.randint(least, most) for name, least, most in LIMITED if dice.random() < 0.5}
            self.model.limits[wallet.id] = asked
            day = self.model.day
            before = rules.limits or Limits(None, None, None, None, day, first_of_month(day))
            debits = before.debits_today, before.debits_this_month
            most = {name: asked.get(name) for name, _, _ in LIMITED}
            rules = rules._replace(limits=limits_of(most, before.today, before.month_began, debits))
        self.wallets[wallet.id] = wallet._replace(rules=rules)

    def pass_a_day(self) -> None:
        self.model.day += 1
        today, began = self.model.day, first_of_month(self.model.day)
        for wallet in self.wallets.values():
            if wallet.rules and wallet.rules.limits:
                rules = wallet.rules._replace(limits=wallet.rules.limits.on(today, began))
                self.wallets[wallet.id] = wallet._replace(rules=rules)

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
        for id, day in outcome.counted:
            self.parents[id] = self.parents[id]._replace(counted_on=day)
        for _ in outcome.closures:
            self.clients.append(UUID(int=1000 + len(self.clients)))
            self.wallets[self.clients[-1]] = Wallet(self.clients[-1], external=False, balance=0, version=0)
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
            if self._type(id) not in {"hold", "release"} and moved
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
            is_closed = wallet.rules is not None and wallet.rules.is_closed
            assert is_closed == (wallet.id in self.model.shut)
            assert not is_closed or (wallet.balance, wallet.held) == (0, 0)
            if limits := wallet.limits:
                assert (limits.debits_today, limits.debits_this_month) == self.model.used(wallet.id)
                assert limits.debits_today <= limits.debits_this_month
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
        type = self.random.choices(list(KINDS), [0.4 if type == "closure" else 2 if type == "hold" else 1 for type in KINDS])[0]
        id = UUID(int=len(self.commands) + 1)
        parents = [one for one in self.commands.values() if self._may_have(type, one)][-12:]
        if type in {"capture", "release", "reversal"} and not parents:
            type = "deposit"
        source, destination = self.random.sample(self.clients[-5:], 2)
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
            by_client=self.random.random() < 0.5,
            sweeps=self.random.random() < 0.6,
            lines=lines,
        )
        amount = (
            0
            if type == "closure"
            else parent.amount
            if parent and fit in {"rest", "rest_and_funds"}
            else self.random.randint(1, 60)
        )
        if lines is not None:
            amount = sum(line for _, line in lines if line > 0)
        made = self.commands[id] = Command(id, source, destination, amount, special)
        ends = self.now + SECOND * self.random.choice([1, 60, 600])
        self.parents[id] = Parent(id, type, source, destination, False, amount, 0, 0, ends if type == "hold" else None, None, lines)
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
            history.change_rules()
            if history.random.random() < 0.3:
                history.pass_a_day()

    assert several_legs > 100
    beyond_reach = {Refusal.BALANCE_LIMIT_EXCEEDED, Refusal.INTERNAL}
    for type, kind in KINDS.items():
        for verdict in (None, *(kind.refusals - beyond_reach)):
            assert met[type, verdict] > 10, (type, verdict, met)
    assert sum(met[type, Refusal.BALANCE_LIMIT_EXCEEDED] for type in KINDS) > 10
