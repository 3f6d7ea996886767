"""The input of the ledger."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from core.ledger.kinds import Fit, Type
from core.ledger.lines import Lines


class Special(NamedTuple):
    """What a command says beyond two wallets and an amount. `is_late`: the drain that took it up began after its deadline.

    `by_client`: a client's key submitted it. `sweeps`: a closure that moves the balance to its destination.
    `accepted_at` is the time of its acceptance, in microseconds since 1970 by the database's clock. `lines` are given for a command
    that does not simply move its amount from its source to its destination. These two are then the wallets of the first debit and
    of the first credit, and the amount is what all credits sum to.
    """

    type: Type
    accepted_at: int
    parent: UUID | None = None
    fit: Fit | None = None
    closes: bool = False
    is_late: bool = False
    by_client: bool = False
    sweeps: bool = False
    lines: Lines | None = None


class Command(NamedTuple):
    """A queued transfer as the ledger sees it. `amount` is in minor units, at least 1, or 0 for a closure.

    `special` is None for a plain one.
    """

    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int
    special: Special | None = None

    @property
    def lines(self) -> Lines | None:
        """Its own lines. None if it moves its amount from its source to its destination, or moves nothing."""
        return None if self.special is None else self.special.lines


def wallets_of(commands: Iterable[Command]) -> set[UUID]:
    """Return the wallets that these commands may change: those that a drain has to lock."""
    wallet_ids: set[UUID] = set()
    special: list[Lines] = []
    for command in commands:
        wallet_ids.add(command.source)
        wallet_ids.add(command.destination)
        if command.special is not None and command.special.lines is not None:
            special.append(command.special.lines)
    return wallet_ids.union(wallet_id for lines in special for wallet_id, _ in lines)
