"""The one transaction that moves money: it drains a shard, batch by batch."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from core import db, ids, ledger, log
from core.doorbell import Doorbell
from core.ids import Prefix
from core.ledger import Claim, Outcome, Refusal, Wallet
from worker.caution import Caution

__all__ = ["Applier", "ShardBusy"]

FAIR_SHARE_S = 3.0  # then the doorbell is rung again, so that one hot shard starves nobody
PAUSE_AFTER_FAILURE_S = 0.05  # long enough for a lock to go, short enough to try a poison some fifteen times

Connection = psycopg.Connection[Any]
Row = TypeVar("Row")

logger = log.get(__name__)


class ShardBusy(Exception):
    """Somebody else drains this shard now."""


class WrongRowCount(Exception):
    """A statement did not write what was decided: somebody else changed what is ours alone, or there is a bug."""


class Place(NamedTuple):
    """A claimed transfer and its place in the queue."""

    position: int
    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int


class Applier:
    """Applies queued transfers over a connection of its own, which it opens when needed and replaces when it broke."""

    def __init__(self, connect: Callable[[], Connection], doorbell: Doorbell, fair_share_s: float = FAIR_SHARE_S) -> None:
        self._connect = connect
        self._doorbell = doorbell
        self._fair_share_s = fair_share_s
        self._connection: Connection | None = None
        self._head: UUID | None = None  # of the batch under way
        self._cautions: dict[int, Caution] = {}  # by shard, kept across drains: a slow database must not make a poison forgotten

    def answer(self, shard: int) -> int:
        """Answer the shard's doorbell: drain it until it is empty, or for a fair share of time and ring again.

        Returns how many transfers were finished, as far as it knows: 0 when somebody else drains the shard, or after a fault of the
        database, which is logged, not raised: the queue is as it was, and the sweeper will come back to it.
        """
        self._doorbell.answer(shard)
        try:
            return self._answer(shard, time.monotonic() + self._fair_share_s)
        except psycopg.Error as error:
            logger.warning("drain put off", shard=shard, kind=type(error).__name__, sqlstate=error.sqlstate)
            return 0

    def _answer(self, shard: int, deadline: float) -> int:
        finished = 0
        while True:
            try:
                finished += self.drain(shard, deadline)
            except ShardBusy:
                self._doorbell.ask_rerun(shard)
                try:
                    finished += self.drain(shard, deadline)
                except ShardBusy:
                    return finished  # its holder has yet to release the lock, and looks for the wish after that
            if time.monotonic() >= deadline:
                self._doorbell.ring([shard])
                return finished
            if not self._doorbell.rerun_asked(shard):
                return finished

    def drain(self, shard: int, deadline: float) -> int:
        """Apply the shard's queue in order until it is empty or `deadline` (monotonic seconds); return how many were finished.

        Raises ShardBusy, and psycopg.Error for a fault that only time heals: what was not committed is still queued.
        """
        finished = 0
        caution = self._cautions.setdefault(shard, Caution())
        while True:
            limit = caution.limit
            self._head = None
            try:
                batch = self._apply_batch(shard, limit)
            except ShardBusy:
                raise
            except Exception as error:
                self.close()  # in the middle of a statement it is unusable, and its locks are held; a stale plan dies with it
                if db.is_transient(error):
                    raise
                batch = self._heed_failure(shard, caution, error)
            else:
                caution.succeeded()
                if batch < limit:
                    return finished + batch
            finished += batch
            if time.monotonic() >= deadline:
                return finished

    def close(self) -> None:
        """Give the connection back. The next drain opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _apply_batch(self, shard: int, limit: int) -> int:
        """Claim, decide, write, commit: four round trips, however large the batch.

        Each ends with a Sync. Without it Postgres would wait for the rest of the pipeline as "active", which no timeout of an idle
        transaction ends, and a worker frozen there would hold its wallets for ever.
        """
        connection = self._open()
        with connection.pipeline() as pipeline, connection.transaction():
            places = self._claim(connection, pipeline, shard, limit)
            if places:
                claims = [Claim(*place[1:]) for place in places]
                outcome = ledger.apply(claims, self._lock_wallets(connection, pipeline, claims))
                self._write(connection, pipeline, shard, places, outcome)
        return len(places)

    def _reject(self, shard: int, suspect: UUID) -> int:
        """Give up on the transfer at the head of the shard's queue, if it still is the suspect."""
        connection = self._open()
        with connection.pipeline() as pipeline, connection.transaction():
            places = self._claim(connection, pipeline, shard, limit=1)
            if not places or places[0].transfer_id != suspect:
                return 0
            # No rows are counted: one that is final already (that may be just its fault) keeps its state and loses its place.
            connection.execute(db.statement("finish_transfers"), {"ids": [suspect], "failure_codes": [Refusal.INTERNAL]})
            connection.execute(db.statement("delete_queue"), {"shard": shard, "positions": [places[0].position]})
        return 1

    def _claim(self, connection: Connection, pipeline: psycopg.Pipeline, shard: int, limit: int) -> list[Place]:
        """Take the shard's lock and its next transfers. Locks are taken here and in _lock_wallets, in this order, nowhere else."""
        lock = connection.execute(db.statement("lock_shard"), {"shard": shard})
        next_places = select(connection, "claim_queue", {"shard": shard, "limit": limit}, Place)
        pipeline.sync()
        if lock.fetchone() is None:
            raise ShardBusy(shard)
        places = next_places.fetchall()
        self._head = places[0].transfer_id if places else None
        return places

    def _lock_wallets(self, connection: Connection, pipeline: psycopg.Pipeline, claims: Sequence[Claim]) -> Mapping[UUID, Wallet]:
        touched = {wallet_id for claim in claims for wallet_id in (claim.source, claim.destination)}
        locked = select(connection, "lock_wallets", {"ids": list(touched)}, Wallet)
        pipeline.sync()
        return {wallet.id: wallet for wallet in locked}

    def _write(
        self, connection: Connection, pipeline: psycopg.Pipeline, shard: int, places: Sequence[Place], outcome: Outcome
    ) -> None:
        """Write what was decided, one statement each, and check that each wrote just that before it may be committed."""
        writes = statements_for(shard, places, outcome)
        cursors = [connection.execute(db.statement(write.name), write.params) for write in writes]
        pipeline.sync()
        for write, cursor in zip(writes, cursors, strict=True):
            if cursor.rowcount != write.rows:
                raise WrongRowCount(f"{write.name} wrote {cursor.rowcount} rows instead of {write.rows}")

    def _heed_failure(self, shard: int, caution: Caution, error: Exception) -> int:
        """Shrink the next batch; give up on the transfer that has failed on its own too often. Returns how many were finished."""
        logger.error("batch failed", shard=shard, limit=caution.limit, head=str(self._head), exc_info=error)
        caution.failed(self._head)
        if caution.suspect is None or not caution.exhausted:
            time.sleep(PAUSE_AFTER_FAILURE_S)
            return 0
        logger.critical("transfer given up on", shard=shard, transfer=ids.text(Prefix.TRANSFER, caution.suspect))
        rejected = self._reject(shard, caution.suspect)
        caution.failures = 0
        return rejected

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection


class Write(NamedTuple):
    """A statement of core/sql, its parameters, and the number of rows it must write."""

    name: str
    params: dict[str, object]
    rows: int


def statements_for(shard: int, places: Sequence[Place], outcome: Outcome) -> list[Write]:
    entries, wallets, verdicts = outcome.entries, outcome.wallets, outcome.verdicts
    return [
        Write(
            "insert_entries",
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
            "update_wallets",
            {
                "ids": [wallet.id for wallet in wallets],
                "balances": [wallet.balance for wallet in wallets],
                "versions": [wallet.version for wallet in wallets],
            },
            len(wallets),
        ),
        Write(
            "finish_transfers",
            {
                "ids": [verdict.transfer_id for verdict in verdicts],
                "failure_codes": [verdict.refusal for verdict in verdicts],
            },
            len(verdicts),
        ),
        Write("delete_queue", {"shard": shard, "positions": [place.position for place in places]}, len(places)),
    ]


def select(connection: Connection, name: str, params: Mapping[str, object], row: type[Row]) -> psycopg.Cursor[Row]:
    cursor = connection.cursor(binary=True, row_factory=class_row(row))
    return cursor.execute(db.statement(name), params)
