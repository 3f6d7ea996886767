"""The queued transfers that a drain has claimed: as rows of the queue, as commands of the ledger, by shard."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from core.ledger.commands import Command


class QueuedTransfer(NamedTuple):
    """A claimed transfer and its position in the queue. The columns of drain/claim_queue.sql, by name."""

    shard: int
    position: int
    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int


def command_of(queued: QueuedTransfer) -> Command:
    """Return the ledger's command for the transfer."""
    return Command(transfer_id=queued.transfer_id, source=queued.source, destination=queued.destination, amount=queued.amount)


def positions_by_shard(shards: Collection[int], queued: Sequence[QueuedTransfer]) -> dict[int, list[int]]:
    """Return, for each of these shards, the positions that were claimed in it, in order."""
    claimed: dict[int, list[int]] = {shard: [] for shard in shards}
    for transfer in queued:
        claimed[transfer.shard].append(transfer.position)
    return claimed
