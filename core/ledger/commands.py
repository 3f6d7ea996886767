"""The input of the ledger."""

from typing import NamedTuple
from uuid import UUID


class Command(NamedTuple):
    """A queued transfer as the ledger sees it; `amount` in minor units, at least 1."""

    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int
