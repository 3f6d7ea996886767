"""The input of the ledger."""

from typing import NamedTuple
from uuid import UUID

from core.ledger.kinds import Fit, Type


class Special(NamedTuple):
    """What a command says beyond two wallets and an amount. `is_late`: the drain that took it up began after its deadline.

    `by_client`: a client's key submitted it. `sweeps`: a closure that moves the balance to its destination.
    `accepted_at` is the time of its acceptance, in microseconds since 1970 by the database's clock.
    """

    type: Type
    accepted_at: int
    parent: UUID | None = None
    fit: Fit | None = None
    closes: bool = False
    is_late: bool = False
    by_client: bool = False
    sweeps: bool = False


class Command(NamedTuple):
    """A queued transfer as the ledger sees it. `amount` is in minor units, at least 1, or 0 for a closure.

    `special` is None for a plain one.
    """

    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int
    special: Special | None = None
