"""The queued transfers that a drain has claimed: as rows of the queue, as commands of the ledger, by shard."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from core.ledger.commands import Command, Special
from core.ledger.kinds import Fit, Type


class QueuedTransfer(NamedTuple):
    """A claimed transfer and its position in the queue. The columns of drain/claim_queue.sql, by name."""

    shard: int
    position: int
    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int
    special: bool


class SpecialTransfer(NamedTuple):
    """What a special transfer says beside. The columns of drain/find_specials.sql, by name."""

    transfer_id: UUID
    type: Type
    accepted_at: int
    parent: UUID | None
    fit: Fit | None
    closes: bool
    is_late: bool
    by_client: bool
    sweeps: bool

    @property
    def parent_id(self) -> UUID | None:
        """The transfer that the ledger has to know as a parent: that of a child; a hold itself."""
        return self.transfer_id if self.type == "hold" else self.parent


def command_of(queued: QueuedTransfer, specials: Mapping[UUID, SpecialTransfer]) -> Command:
    """Return the ledger's command for the transfer."""
    return Command(
        transfer_id=queued.transfer_id,
        source=queued.source,
        destination=queued.destination,
        amount=queued.amount,
        special=special_of(specials[queued.transfer_id]) if queued.special else None,
    )


def special_of(stored: SpecialTransfer) -> Special:
    return Special(
        type=stored.type,
        accepted_at=stored.accepted_at,
        parent=stored.parent,
        fit=stored.fit,
        closes=stored.closes,
        is_late=stored.is_late,
        by_client=stored.by_client,
        sweeps=stored.sweeps,
    )


def positions_by_shard(shards: Collection[int], queued: Sequence[QueuedTransfer]) -> dict[int, list[int]]:
    """Return, for each of these shards, the positions that were claimed in it, in order."""
    claimed: dict[int, list[int]] = {shard: [] for shard in shards}
    for transfer in queued:
        claimed[transfer.shard].append(transfer.position)
    return claimed
