"""Previews: what would become of a transfer if it were submitted now. Nothing is stored, and nothing is locked.

A preview applies in memory what is queued in the transfer's shard, and then the transfer, by the ledger's own fold
(core/ledger/fold.py). It reads by the drain's own statements, in one read-only snapshot. It does not know what other shards are
about to credit, and what is stored after its snapshot: so it is a forecast and no promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from core.book_reads import Reading, read_book, read_specials
from core.ledger import fold
from core.ledger.book import Outcome, Parent
from core.postgres.connections import AsyncConnection
from core.postgres.queries import fetch, fetch_one
from core.postgres.statements import statement
from core.queued_transfer import QueuedTransfer, SpecialTransfer, command_of
from core.transfers import NO_TERMS, Submission, Transfer, TransferEntry, just_queued

Result = TypeVar("Result")

QUEUED_MAX = 1000  # of the shard, that a preview applies: two batches of a drain. They are read and decided in some 20 ms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Preview(NamedTuple):
    """`transfer` is applied or rejected, and not stored. `queued_ahead` transfers of its shard were applied before it.

    `complete` says whether these are all that were queued in the shard.
    """

    transfer: Transfer
    queued_ahead: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Clock:
    now: datetime


async def begin_snapshot(connection: AsyncConnection) -> None:
    """Make the connection's transaction, which has run no statement yet, one read-only snapshot."""
    await connection.execute(statement("preview/begin"))


async def preview(connection: AsyncConnection, submission: Submission) -> Preview:
    """Return what would become of the submission, whose wallets exist and fit. Call it in a transaction of begin_snapshot.

    A scheduled one is judged as if its time had come.
    """
    clock = await fetch_one(connection, "preview/read_clock", {}, Clock)
    assert clock is not None
    wanted = {"shards": [submission.shard], "floors": [0], "limit": QUEUED_MAX + 1}
    queued = await fetch(connection, "drain/claim_queue", wanted, QueuedTransfer)
    ahead = queued[:QUEUED_MAX]
    outcome = await decide(connection, submission, ahead, clock.now)
    return Preview(transfer_of(submission, clock.now, outcome), len(ahead), complete=len(queued) <= QUEUED_MAX)


async def decide(connection: AsyncConnection, submission: Submission, ahead: Sequence[QueuedTransfer], now: datetime) -> Outcome:
    """Return the outcome of a batch of what is queued ahead, and of the submission as its last command."""
    said = special_of(submission, now)
    batch = [*ahead, queued_of(submission)]
    specials = {**await run(connection, read_specials(ahead)), submission.id: said}
    commands = [command_of(transfer, specials) for transfer in batch]
    unstored = [parent_of(submission, now)] if submission.type == "hold" else []
    reading = read_book(commands, list(specials.values()), wallets="preview/find_wallets", unstored=unstored)
    return fold.apply(commands, await run(connection, reading))


async def run(connection: AsyncConnection, reading: Reading[Result]) -> Result:
    """Run the statements that `reading` yields, one after the other, and return what it has read."""
    rows: Sequence[Sequence[Any]] | None = None
    while True:
        try:
            reads = reading.send(rows)
        except StopIteration as end:
            return cast(Result, end.value)
        rows = [await fetch(connection, read.name, read.params, read.row) for read in reads]


def queued_of(submission: Submission) -> QueuedTransfer:
    """Return the place that the submission would have, behind all others. It counts as special, whatever it says."""
    return QueuedTransfer(
        shard=submission.shard,
        position=0,
        transfer_id=submission.id,
        source=submission.source,
        destination=submission.destination,
        amount=submission.amount,
        special=True,
    )


def special_of(submission: Submission, now: datetime) -> SpecialTransfer:
    """Return what drain/find_specials would say of the submission: its terms, by the names of their fields."""
    terms = submission.terms or NO_TERMS
    lines = terms.lines
    known: dict[str, Any] = {
        "transfer_id": submission.id,
        "type": submission.type,
        "accepted_at": microseconds(now),
        "is_late": False,
        "by_client": submission.owner != "operator",
        "wallet_ids": lines and [wallet_id for wallet_id, _ in lines],
        "amounts": lines and [amount for _, amount in lines],
    }
    return SpecialTransfer(**known, **{name: getattr(terms, name) for name in SpecialTransfer._fields if name not in known})


def parent_of(hold: Submission, now: datetime) -> Parent:
    """Return what drain/find_parents would say of the hold."""
    ends = just_queued(hold, now).expires_at
    return Parent(
        id=hold.id,
        type=hold.type,
        source=hold.source,
        destination=hold.destination,
        is_applied=False,
        total=hold.amount,
        captured=0,
        returned=0,
        expires_at=microseconds(ends) if ends else None,
    )


def transfer_of(submission: Submission, now: datetime, outcome: Outcome) -> Transfer:
    """Return the submission as the transfer that it would become."""
    verdict = outcome.verdicts[-1]
    shortfall = next((one for one in outcome.shortfalls if one.transfer_id == submission.id), None)
    entries = [
        TransferEntry(entry.wallet_id, entry.version, entry.amount, entry.balance_after)
        for entry in outcome.entries
        if entry.transfer_id == submission.id
    ]
    return replace(
        just_queued(submission, now),
        status="rejected" if verdict.refusal else "applied",
        failure_code=verdict.refusal,
        moved=verdict.moved,
        entries=entries,
        available=shortfall and shortfall.available,
        needed=shortfall and shortfall.needed,
    )


def microseconds(time: datetime) -> int:
    """Return the time in microseconds since 1970, as the ledger compares times."""
    return (time - EPOCH) // MICROSECOND
