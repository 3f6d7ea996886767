"""The queued transfers that a drain has claimed: as rows of the queue, as commands of the ledger, by shard."""

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from core.ledger.book import Parent
from core.ledger.commands import Command, Special
from core.ledger.kinds import Fit, Type
from core.ledger.lines import Lines

# Of a batch in which a transfer has lines of its own: as many as BATCH_MAX plain transfers have. So it locks no more wallets and
# writes no more entries than theirs.
BATCH_LINES_MAX = 1000


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
    wallet_ids: Sequence[UUID] | None
    amounts: Sequence[int] | None

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
        lines=lines_of(stored.wallet_ids, stored.amounts),
    )


def parent_of_row(*, wallet_ids: Sequence[UUID] | None, amounts: Sequence[int] | None, **columns: Any) -> Parent:
    """Return the parent of a row of drain/find_parents.sql."""
    return Parent(**columns, lines=lines_of(wallet_ids, amounts))


def lines_of(wallet_ids: Sequence[UUID] | None, amounts: Sequence[int] | None) -> Lines | None:
    """Return the lines of two columns. Both are NULL where a transfer has none of its own."""
    return None if wallet_ids is None or amounts is None else tuple(zip(wallet_ids, amounts, strict=True))


def within_lines(commands: Sequence[Command]) -> int:
    """Return how many of these commands one batch takes: the first, and those after it up to BATCH_LINES_MAX lines.

    A batch in which no command has lines of its own takes all.
    """
    if not any(command.lines for command in commands):
        return len(commands)
    up_to = accumulate(len(command.lines or (command.source, command.destination)) for command in commands)
    return max(sum(lines <= BATCH_LINES_MAX for lines in up_to), 1)


def positions_by_shard(shards: Collection[int], queued: Sequence[QueuedTransfer]) -> dict[int, list[int]]:
    """Return, for each of these shards, the positions that were claimed in it, in order."""
    claimed: dict[int, list[int]] = {shard: [] for shard in shards}
    for transfer in queued:
        claimed[transfer.shard].append(transfer.position)
    return claimed
