"""The one transaction that moves money: it applies the next transfers of some shards.

docs/concepts/state-tables.md draws the states of a transfer.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from core import metrics
from core.failpoint import failpoint
from core.ledger import fold
from core.ledger.book import Book, Outcome, Wallet
from core.ledger.commands import Command
from core.ledger.refusals import Refusal
from core.postgres.connections import SyncConnection
from core.postgres.statements import statement
from worker.ledger.floors import Floors
from worker.session import OwnConnection

Row = TypeVar("Row")


class WrongRowCount(Exception):
    """A statement wrote another number of rows than was decided: another process changed what this one locked, or it is a bug."""


class QueuedTransfer(NamedTuple):
    """A transfer that this drain has claimed, and its place in the queue. The columns of drain/claim_queue.sql, by name."""

    shard: int
    position: int
    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int


class Batch(NamedTuple):
    """What became of one transaction."""

    finished: int
    full: bool = False  # a shard had as many as were asked for, so more may wait
    busy: frozenset[int] = frozenset()  # shards that another worker drains now: untouched
    put_off: frozenset[int] = frozenset()  # shards that met a fault which passes with time: untouched too

    @property
    def left(self) -> frozenset[int]:
        """The shards that this transaction did not touch: another worker drains them now, or this one does later."""
        return self.busy | self.put_off


class Applier:
    """Applies queued transfers over a connection of its own, which it opens when needed and replaces when it broke.

    After each COMMIT, `publish_final` is given the ids of the transfers that became final, and `ring` is called when webhooks
    became due by it; neither may raise.
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
        self._publish_final = publish_final
        self._ring = ring
        self.head: UUID | None = None  # the first transfer of the last batch, also of one that failed

    def apply(self, shards: Collection[int], limit: int) -> Batch:
        """Claim, decide, write, commit, up to `limit` transfers a shard: four round trips, however many they are.

        Raises psycopg.Error and WrongRowCount. Then nothing was committed, or the COMMIT's answer was lost: what is still in the
        queue was not committed.

        Each round trip ends with a Sync. Without it Postgres would wait for the rest of the pipeline as "active", which no timeout
        of an idle transaction ends, and a worker frozen there would hold its wallets for ever.
        """
        self.head = None
        try:
            return self._apply(shards, limit)
        except BaseException:
            self.close()  # in the middle of a statement it is unusable, and its locks are held; a stale plan dies with it
            raise

    def reject(self, shard: int, suspect: UUID) -> int:
        """Give up on the transfer at the head of the shard's queue, if it still is the suspect. Returns how many were finished."""
        try:
            return self._reject(shard, suspect)
        except BaseException:
            self.close()
            raise

    def all_shards(self) -> range:
        """Return all shards. Raises psycopg.Error."""
        [(count,)] = self._own.opened().execute(statement("queue/count_shards")).fetchall()
        return range(count)

    def close(self) -> None:
        """Give the connection back. The next batch opens another."""
        self._own.close()

    def _new_session(self) -> SyncConnection:
        self._floors = Floors()
        return self._connect()

    def _reject(self, shard: int, suspect: UUID) -> int:
        connection = self._own.opened()
        with connection.pipeline() as pipeline, connection.transaction():
            _, queued = self._claim(connection, pipeline, [shard], limit=1)
            if not queued or queued[0].transfer_id != suspect:
                return 0
            # No rows are counted: one that is final already (that may be just its fault) keeps its state and leaves the queue.
            verdict = connection.execute(
                statement("drain/finish_transfers"), {"ids": [suspect], "failure_codes": [Refusal.INTERNAL]}
            )
            connection.execute(statement("drain/delete_queue"), {"shards": [shard], "positions": [queued[0].position]})
        metrics.REJECTED[Refusal.INTERNAL].inc(verdict.rowcount)
        self._publish_final([suspect])
        if webhooks_due(verdict):
            self._ring()
        return 1

    def _apply(self, shards: Collection[int], limit: int) -> Batch:
        began = time.monotonic()
        connection = self._own.opened()
        with connection.pipeline() as pipeline, connection.transaction():
            locked, queued = self._claim(connection, pipeline, shards, limit)
            if queued:
                failpoint("apply.after_claim")
                commands = [command_of(transfer) for transfer in queued]
                wallets = self._lock_wallets(connection, pipeline, commands)
                failpoint("apply.after_wallets")
                outcome = fold.apply(commands, Book(wallets))
                self._store_floors(connection, locked)
                due = self._write(connection, pipeline, queued, outcome)
                failpoint("apply.before_commit")
        claimed = positions_by_shard(locked, queued)
        for shard, positions in claimed.items():
            self._floors.drained(shard, positions, is_all=len(positions) < limit)
        if queued:
            metrics.count_drained([verdict.refusal for verdict in outcome.verdicts], time.monotonic() - began)
            self._publish_final([transfer.transfer_id for transfer in queued])
            if due:
                self._ring()
        full = any(len(positions) >= limit for positions in claimed.values())
        return Batch(len(queued), full=full, busy=frozenset(shards) - locked)

    def _claim(
        self, connection: SyncConnection, pipeline: psycopg.Pipeline, shards: Collection[int], limit: int
    ) -> tuple[frozenset[int], list[QueuedTransfer]]:
        """Take the shards' locks, as far as they are free, and those shards' next transfers.

        Locks are taken here and in _lock_wallets, in this order, nowhere else.
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

    def _lock_wallets(
        self, connection: SyncConnection, pipeline: psycopg.Pipeline, commands: Sequence[Command]
    ) -> Mapping[UUID, Wallet]:
        touched = {wallet_id for command in commands for wallet_id in (command.source, command.destination)}
        locked = select(connection, "drain/lock_wallets", {"ids": list(touched)}, Wallet)
        pipeline.sync()
        return {wallet.id: wallet for wallet in locked}

    def _store_floors(self, connection: SyncConnection, locked: Collection[int]) -> None:
        """Store the floors of those shards where it lags, in the round trip of the writes that follow."""
        floors = self._floors.to_store(locked)
        if floors:
            connection.execute(statement("drain/store_floors"), {"shards": list(floors), "floors": list(floors.values())})

    def _write(
        self, connection: SyncConnection, pipeline: psycopg.Pipeline, queued: Sequence[QueuedTransfer], outcome: Outcome
    ) -> bool:
        """Write what was decided, one statement each, and check that each wrote just that before it may be committed.

        Returns whether webhooks become due by it.
        """
        writes = statements_for(queued, outcome)
        cursors = []
        for write in writes:
            cursors.append(connection.execute(statement(write.name), write.params))
            failpoint(f"apply.after_{write.name.removeprefix('drain/')}")
        pipeline.sync()
        for write, cursor in zip(writes, cursors, strict=True):
            if cursor.rowcount != write.rows:
                raise WrongRowCount(f"{write.name} wrote {cursor.rowcount} rows instead of {write.rows}")
        [verdicts] = [cursor for write, cursor in zip(writes, cursors, strict=True) if write.name == "drain/finish_transfers"]
        return webhooks_due(verdicts)


class Write(NamedTuple):
    """A statement of core/sql, its parameters, and the number of rows it must write."""

    name: str
    params: dict[str, object]
    rows: int


def statements_for(queued: Sequence[QueuedTransfer], outcome: Outcome) -> list[Write]:
    entries, wallets, verdicts = outcome.entries, outcome.wallets, outcome.verdicts
    return [
        Write(
            "drain/insert_entries",
            {
                "wallet_ids": [entry.wallet_id for entry in entries],
                "versions": [entry.version for entry in entries],
                "transfer_ids": [entry.transfer_id for entry in entries],
                "amounts": [entry.amount for entry in entries],
                "balances": [entry.balance_after for entry in entries],
            },
            len(entries),
        ),
        Write(
            "drain/update_wallets",
            {
                "ids": [wallet.id for wallet in wallets],
                "balances": [wallet.balance for wallet in wallets],
                "versions": [wallet.version for wallet in wallets],
            },
            len(wallets),
        ),
        Write(
            "drain/finish_transfers",
            {
                "ids": [verdict.transfer_id for verdict in verdicts],
                "failure_codes": [verdict.refusal for verdict in verdicts],
            },
            len(verdicts),
        ),
        Write(
            "drain/delete_queue",
            {"shards": [transfer.shard for transfer in queued], "positions": [transfer.position for transfer in queued]},
            len(queued),
        ),
    ]


def command_of(queued: QueuedTransfer) -> Command:
    """Return what the ledger is asked to do."""
    return Command(transfer_id=queued.transfer_id, source=queued.source, destination=queued.destination, amount=queued.amount)


def positions_by_shard(shards: Collection[int], queued: Sequence[QueuedTransfer]) -> dict[int, list[int]]:
    """Return, for each of these shards, the positions that were claimed in it, in order."""
    claimed: dict[int, list[int]] = {shard: [] for shard in shards}
    for transfer in queued:
        claimed[transfer.shard].append(transfer.position)
    return claimed


def webhooks_due(verdict: psycopg.Cursor[Any]) -> bool:
    """Return whether finish_transfers made webhooks due. Each of its rows says so; it has none if all were final before."""
    return verdict.fetchone() == (True,)


def select(connection: SyncConnection, name: str, params: Mapping[str, object], row: type[Row]) -> psycopg.Cursor[Row]:
    cursor = connection.cursor(binary=True, row_factory=class_row(row))
    return cursor.execute(statement(name), params)
