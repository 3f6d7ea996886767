"""The input of the ledger."""

from typing import NamedTuple
from uuid import UUID

from core.ledger.kinds import Fit, Type


class Special(NamedTuple):
    """What a command says beyond two wallets and an amount. `is_late`: the drain that took it up began after its deadline.

    `accepted_at` is the time of its acceptance, in microseconds since 1970 by the database's clock.
    """

    type: Type
    accepted_at: int
    parent: UUID | None = None
    fit: Fit | None = None
    closes: bool = False
    is_late: bool = False


class Command(NamedTuple):
    """A queued transfer as the ledger sees it; `amount` in minor units, at least 1. `special` is None for a plain one."""

    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int
    special: Special | None = None
