"""The wallets and parents of a batch while it is decided, and the verdicts and entries so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast
from uuid import UUID

from core.ledger.kinds import Type
from core.ledger.lines import Lines
from core.ledger.money import EXTERNAL_BALANCE_MIN
from core.ledger.refusals import Refusal
from core.ledger.rules import Limits, Rules, of_one_day, rules_of


class Wallet(NamedTuple):
    """A wallet as a drain reads it. `balance` is in minor units; `version` counts its entries.

    `held` is the part of the balance that open holds have reserved. `rules` is None for one that is neither closed nor frozen and
    has never had a limit.
    """

    id: UUID
    external: bool
    balance: int
    version: int
    held: int = 0
    rules: Rules | None = None

    @property
    def limits(self) -> Limits | None:
        return None if self.rules is None else self.rules.limits

    @property
    def available(self) -> int:
        """What a debit or a new hold may take."""
        return self.balance - (EXTERNAL_BALANCE_MIN if self.external else self.held)


class Parent(NamedTuple):
    """A transfer that has children, or may have: a hold with its captures and releases, or a movement with its reversals.

    `total` is what it came to, in minor units. `captured` and `returned` are what its applied children have taken of it.
    `expires_at` is the end of a hold, in microseconds since 1970 by the database's clock. `counted_on` is the day of the windows in
    which it counts against its source's limits, in days since 1970; None if it does not. `lines` are those of its command.
    """

    id: UUID
    type: Type
    source: UUID
    destination: UUID
    is_applied: bool
    total: int
    captured: int
    returned: int
    expires_at: int | None
    counted_on: int | None = None
    lines: Lines | None = None

    @property
    def remaining(self) -> int:
        """What its children may still take."""
        return self.total - self.captured - self.returned if self.is_applied else 0

    @property
    def is_open(self) -> bool:
        """Whether it is a hold that reserves something."""
        return self.type == "hold" and self.remaining > 0


class Entry(NamedTuple):
    """An entry of a wallet. `amount` is signed; `version` and `balance_after` are the wallet's after it."""

    wallet_id: UUID
    version: int
    transfer_id: UUID
    amount: int
    balance_after: int


class Verdict(NamedTuple):
    """`refusal` is None when the command was applied. `moved` is what a special one came to, and None for a plain one."""

    transfer_id: UUID
    refusal: Refusal | None
    moved: int | None = None


class Figures(NamedTuple):
    """What was available, and what was needed, in minor units."""

    available: int
    needed: int


class Shortfall(NamedTuple):
    """The figures of a transfer that was refused because something was too little."""

    transfer_id: UUID
    available: int
    needed: int


class Counted(NamedTuple):
    """A transfer that counts against the limits of the wallets that it debits, in the windows of this day."""

    transfer_id: UUID
    day: int


class Counters(NamedTuple):
    """What counts against a wallet's limits after the batch, in the windows of the day `today`."""

    wallet_id: UUID
    today: int
    debits_today: int
    debits_this_month: int


class Closed(NamedTuple):
    """A wallet that the batch has closed, and the closure."""

    wallet_id: UUID
    transfer_id: UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a batch writes: a verdict per command, the entries of the applied commands, and each wallet that changed, once.

    `parents` are those of which children have taken something, as they are now. `opened` and `closed` are the holds that were not
    open before the batch and are after it, and the other way round. `counters` are of each changed wallet with limits, also where
    they are as before: the windows may be others.
    """

    verdicts: list[Verdict]
    entries: list[Entry]
    wallets: list[Wallet]
    parents: list[Parent] = field(default_factory=list)
    opened: list[Parent] = field(default_factory=list)
    closed: list[Parent] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    counters: list[Counters] = field(default_factory=list)
    closures: list[Closed] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)


def with_rules(read: Iterable[Wallet]) -> dict[UUID, Wallet]:
    """Return wallets by their ids, as the database returns them, the rules of each as the ledger knows them and not as JSON.

    A wallet without rules costs a comparison.
    """
    wallets = {wallet.id: wallet for wallet in read}
    ruled = [wallet for wallet in wallets.values() if wallet.rules is not None]
    if ruled:
        rules = of_one_day(rules_of(cast(Mapping[str, Any], wallet.rules)) for wallet in ruled)
        wallets |= {wallet.id: wallet._replace(rules=one) for wallet, one in zip(ruled, rules, strict=True)}
    return wallets


NO_PARENTS: Mapping[UUID, Parent] = {}


class Book:
    """The wallets that a batch has locked, each after the commands so far, and the verdicts and entries so far.

    `parents` has the parent of each child in the batch, and each hold in the batch, as a parent that is not applied yet.
    The keys of both are the ids as integers: Python code hashes and compares a UUID, which would cost a third of the fold.
    """

    __slots__ = ("_locked", "_read", "closures", "counted", "entries", "parents", "shortfalls", "verdicts", "wallets")

    def __init__(self, locked: Mapping[UUID, Wallet], parents: Mapping[UUID, Parent] = NO_PARENTS) -> None:
        self._locked = locked
        self._read = parents
        self.wallets = {wallet.id.int: wallet for wallet in locked.values()}
        self.parents = {parent.id.int: parent for parent in parents.values()}
        self.verdicts: list[Verdict] = []
        self.entries: list[Entry] = []
        self.counted: dict[UUID, int] = {}
        self.closures: list[Closed] = []
        self.shortfalls: list[Shortfall] = []

    def outcome(self) -> Outcome:
        """Return what the commands so far write. A wallet or a parent has changed if it is not the object that was read."""
        wallets = [now for locked, now in zip(self._locked.values(), self.wallets.values(), strict=True) if now is not locked]
        changed = [(read, now) for read, now in zip(self._read.values(), self.parents.values(), strict=True) if now is not read]
        return Outcome(
            self.verdicts,
            self.entries,
            wallets,
            parents=[now for read, now in changed if (now.captured, now.returned) != (read.captured, read.returned)],
            opened=[now for read, now in changed if now.is_open and not read.is_open],
            closed=[now for read, now in changed if read.is_open and not now.is_open],
            counted=[Counted(transfer_id, day) for transfer_id, day in self.counted.items()],
            counters=[
                Counters(wallet.id, limits.today, limits.debits_today, limits.debits_this_month)
                for wallet in wallets
                if wallet.rules is not None and (limits := wallet.rules.limits) is not None
            ],
            closures=self.closures,
            shortfalls=self.shortfalls,
        )
