"""The one transaction that moves money: it applies the next transfers of some shards.

docs/concepts/state-tables.md draws the states of a transfer.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import psycopg
from psycopg.rows import kwargs_row

from core import log, metrics
from core.book_reads import Reading, read_book, read_specials
from core.failpoint import failpoint
from core.ledger import fold
from core.ledger.book import Book, Outcome, Verdict
from core.ledger.commands import Command
from core.ledger.refusals import Refusal
from core.postgres.connections import SyncConnection
from core.postgres.statements import statement
from core.queued_transfer import QueuedTransfer, SpecialTransfer, command_of, positions_by_shard, within_lines
from worker.ledger.floors import Floors
from worker.ledger.totals import Totals
from worker.ledger.writes import Write, delete_queue, finish_transfers, writes_of
from worker.session import OwnConnection

logger = log.get(__name__)

Row = TypeVar("Row")
Result = TypeVar("Result")


class WrongRowCount(Exception):
    """A statement wrote another number of rows than was decided: another process changed locked rows, or Teller has a bug."""


class Batch(NamedTuple):
    """The result of one transaction."""

    finished: int
    full: bool = False  # a shard had as many transfers as were asked for, so it may have more
    busy: frozenset[int] = frozenset()  # shards that another worker drains now: untouched
    deferred: frozenset[int] = frozenset()  # shards that met a fault which passes with time: untouched too

    @property
    def untouched(self) -> frozenset[int]:
        """The shards that this transaction did not touch: another worker drains them now, or a later job does."""
        return self.busy | self.deferred


class Applier:
    """Applies queued transfers over a connection of its own. It opens the connection when needed and replaces a broken one.

    After each COMMIT the applier calls `publish_final` with the ids of the transfers that became final. It calls `ring` if the
    transaction made webhooks due. Neither may raise.
    """

    def __init__(
        self,
        connect: Callable[[], SyncConnection],
        publish_final: Callable[[Sequence[UUID]], None] = lambda _: None,
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        self._connect = connect
        self._own = OwnConnection(self._new_session)
        self._floors = Floors()
        self._totals = Totals()
        self._publish_final = publish_final
        self._ring = ring
        self.head: UUID | None = None  # the first transfer of the last batch, also of one that failed

    def open(self) -> None:
        """Open the connection before the first work: GET /v1/ops/processes shows it. A fault is left to that work."""
        with suppress(psycopg.Error):
            self._own.opened()

    def apply(self, shards: Collection[int], limit: int) -> Batch:
        """Claim, decide, write and commit up to `limit` transfers a shard, in four round trips for any number of transfers.

        Special transfers among them cost one round trip more, which reads what they say.

        Raises psycopg.Error and WrongRowCount. Then nothing was committed, or the COMMIT's answer was lost. A transfer that is
        still in the queue was not committed.

        Each round trip ends with a Sync. Without it Postgres would wait for the rest of the pipeline as "active". No timeout of an
        idle transaction ends that state, so a frozen worker would hold its wallets for ever.
        """
        self.head = None
        try:
            return self._apply(shards, limit)
        except BaseException:
            self.close()  # in the middle of a statement it is unusable and holds locks; a stale plan ends with the session
            raise

    def reject(self, shard: int, suspect: UUID) -> int:
        """Reject the transfer at the head of the shard's queue, if it is still the suspect. Returns how many were finished.

        Raises psycopg.Error.
        """
        try:
            return self._reject(shard, suspect)
        except BaseException:
            self.close()
            raise

    def add_totals(self) -> None:
        """Add the running totals of wallets that need them, if the connection is open.

        A fault is logged, and they are added later: no money waits for them.
        """
        if not self._totals.are_due or not self._own.is_open:
            return
        try:
            self._totals.add(self._own.opened())
        except psycopg.Error as error:
            logger.warning("running totals put off", kind=type(error).__name__, sqlstate=error.sqlstate)
            self.close()

    def all_shards(self) -> range:
        """Return all shards. Raises psycopg.Error."""
        [(count,)] = self._own.opened().execute(statement("queue/count_shards")).fetchall()
        return range(count)

    def close(self) -> None:
        """Close the connection. The next batch opens another."""
        self._own.close()

    def _new_session(self) -> SyncConnection:
        self._floors = Floors()
        return self._connect()

    def _apply(self, shards: Collection[int], limit: int) -> Batch:
        began = time.monotonic()
        connection = self._own.opened()
        with connection.pipeline() as pipeline, connection.transaction():
            locked, queued = self._claim(connection, pipeline, shards, limit)
            left: list[QueuedTransfer] = []  # claimed, and not taken: the next batch claims them again
            if queued:
                failpoint("apply.after_claim")
                specials = self._find_specials(connection, pipeline, queued)
                commands = [command_of(transfer, specials) for transfer in queued]
                if specials:
                    taken = within_lines(commands)
                    commands, queued, left = commands[:taken], queued[:taken], queued[taken:]
                book = self._lock_wallets(connection, pipeline, commands, specials.values())
                failpoint("apply.after_wallets")
                outcome = fold.apply(commands, book)
                self._store_floors(connection, locked)
                due = self._write(connection, pipeline, queued, outcome)
                failpoint("apply.before_commit")
        full = self._record_floors(locked, queued, left, limit)
        if queued:
            self._totals.note(outcome.entries)
            metrics.count_drained([verdict.refusal for verdict in outcome.verdicts], time.monotonic() - began)
            self._announce([transfer.transfer_id for transfer in queued], due=due)
        return Batch(len(queued), full=full, busy=frozenset(shards) - locked)

    def _reject(self, shard: int, suspect: UUID) -> int:
        connection = self._own.opened()
        with connection.pipeline() as pipeline, connection.transaction():
            _, queued = self._claim(connection, pipeline, [shard], limit=1)
            if not queued or queued[0].transfer_id != suspect:
                return 0
            # Rows are not counted here: a suspect may fail because it is final already. It keeps its state and leaves the queue.
            verdict = Verdict(suspect, Refusal.INTERNAL, moved=0 if queued[0].special else None)
            finished = execute(connection, finish_transfers([verdict]))
            if queued[0].special:
                connection.execute(statement("drain/put_off_release"), {"transfer_id": suspect})
            execute(connection, delete_queue(queued))
        metrics.REJECTED[Refusal.INTERNAL].inc(finished.rowcount)
        self._announce([suspect], due=webhooks_due(finished))
        return 1

    def _claim(
        self, connection: SyncConnection, pipeline: psycopg.Pipeline, shards: Collection[int], limit: int
    ) -> tuple[frozenset[int], list[QueuedTransfer]]:
        """Lock the shards that are free, and return them with their next transfers.

        Locks are taken here and then in _lock_wallets, and nowhere else: one order, so no deadlock.
        """
        floors, now = self._floors, time.monotonic()
        lock = connection.execute(statement("drain/lock_shards"), {"shards": list(shards)})
        wanted = {"shards": list(shards), "floors": floors.begin_claim(shards), "limit": limit}
        heads = select(connection, "drain/claim_queue", wanted, QueuedTransfer)
        writers = connection.execute(statement("drain/list_queue_writers")) if floors.settling.is_look_due(now) else None
        pipeline.sync()
        stored = dict(lock.fetchall())
        locked = frozenset(stored)
        queued = [transfer for transfer in heads if transfer.shard in locked]
        floors.locked(stored)
        floors.settling.saw(max((transfer.position for transfer in queued), default=0))
        if writers is not None:
            floors.settling.look([writer for (writer,) in writers], now)
        self.head = queued[0].transfer_id if queued else None
        return locked, queued

    def _find_specials(
        self, connection: SyncConnection, pipeline: psycopg.Pipeline, queued: Sequence[QueuedTransfer]
    ) -> Mapping[UUID, SpecialTransfer]:
        """Return what the special transfers say, by their ids. Sends nothing if there is none."""
        specials = self._read(connection, pipeline, read_specials(queued))
        if specials:
            failpoint("apply.after_specials")
        return specials

    def _lock_wallets(
        self,
        connection: SyncConnection,
        pipeline: psycopg.Pipeline,
        commands: Sequence[Command],
        specials: Collection[SpecialTransfer],
    ) -> Book:
        """Lock the wallets of the commands, then read their parents, in one round trip."""
        return self._read(connection, pipeline, read_book(commands, specials, wallets="drain/lock_wallets"))

    def _read(self, connection: SyncConnection, pipeline: psycopg.Pipeline, reading: Reading[Result]) -> Result:
        """Run the statements that `reading` yields, each list of them in one round trip, and return what it has read."""
        rows: Sequence[Sequence[Any]] | None = None
        while True:
            try:
                reads = reading.send(rows)
            except StopIteration as end:
                return cast(Result, end.value)
            cursors = [select(connection, *read) for read in reads]
            pipeline.sync()
            rows = [cursor.fetchall() for cursor in cursors]

    def _record_floors(
        self, locked: Collection[int], taken: Sequence[QueuedTransfer], left: Sequence[QueuedTransfer], limit: int
    ) -> bool:
        """Raise the floors above what was taken. Return whether a shard may have more transfers in its queue."""
        claimed = positions_by_shard(locked, taken)
        more = {transfer.shard for transfer in left} | {shard for shard, positions in claimed.items() if len(positions) >= limit}
        for shard, positions in claimed.items():
            if positions or shard not in more:
                self._floors.drained(shard, positions, is_all=shard not in more)
        return bool(more)

    def _store_floors(self, connection: SyncConnection, locked: Collection[int]) -> None:
        """Store the floors of the shards whose stored floor lags, in the round trip of the writes that follow."""
        floors = self._floors.to_store(locked)
        if floors:
            connection.execute(statement("drain/store_floors"), {"shards": list(floors), "floors": list(floors.values())})

    def _write(
        self, connection: SyncConnection, pipeline: psycopg.Pipeline, queued: Sequence[QueuedTransfer], outcome: Outcome
    ) -> bool:
        """Write the outcome, and check before the COMMIT that each statement wrote the number of rows that was decided.

        Returns whether the batch makes webhooks due. Raises WrongRowCount.
        """
        writes = writes_of(queued, outcome)
        cursors = []
        for write in writes:
            cursors.append(execute(connection, write))
            failpoint(f"apply.after_{write.name.removeprefix('drain/')}")
        pipeline.sync()
        for write, cursor in zip(writes, cursors, strict=True):
            if cursor.rowcount != write.rows:
                raise WrongRowCount(f"{write.name} wrote {cursor.rowcount} rows instead of {write.rows}")
        [finished] = [cursor for write, cursor in zip(writes, cursors, strict=True) if write.name == "drain/finish_transfers"]
        return webhooks_due(finished)

    def _announce(self, final: Sequence[UUID], *, due: bool) -> None:
        """Publish that these transfers are final, and ring the deliverer if webhooks are due. Call it after the COMMIT."""
        self._publish_final(final)
        if due:
            self._ring()


def webhooks_due(finished: psycopg.Cursor[Any]) -> bool:
    """Return whether finish_transfers made webhooks due. Each of its rows says so; it has none if all were final before."""
    return finished.fetchone() == (True,)


def execute(connection: SyncConnection, write: Write) -> psycopg.Cursor[Any]:
    return connection.execute(statement(write.name), write.params)


def select(connection: SyncConnection, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> psycopg.Cursor[Row]:
    cursor = connection.cursor(binary=True, row_factory=kwargs_row(row))
    return cursor.execute(statement(name), params)
