"""What a drain does when a batch fails: try each shard on its own, shrink its batches, give up on the transfer that always fails.

docs/concepts/state-tables.md draws a batch's size after failures; worker/ledger/batch_limit.py decides it.
"""

import time
from collections.abc import Collection, Iterable
from uuid import UUID

import psycopg

from core import ids, log
from core.ids import Prefix
from core.postgres.faults import is_transient, took_too_long
from core.redis.shard_doorbell import ShardDoorbell
from worker.allowance import Allowance
from worker.ledger.apply import Applier, Batch
from worker.ledger.batch_limit import BatchLimit, BatchLimits, share_of

PAUSE_AFTER_FAILURE_S = 0.05  # long enough for a lock to go, short enough to try a failing transfer some fifteen times

logger = log.get(__name__)


class CarefulApplier:
    """Applies batches. A shard that failed has batches of its own until it is well, so its failures delay no other shard."""

    def __init__(self, applier: Applier, doorbell: ShardDoorbell) -> None:
        self._applier = applier
        self._doorbell = doorbell
        self._limits = BatchLimits()
        self._allowance = Allowance()

    def apply(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply one batch of all the shards that have not failed, and one of each other.

        Those that failed have their turns while there is time, beginning with the one that had its turn longest ago, in this job
        and in those to come: a shard whose failures take all the time that there is takes no other shard's turn.

        Raises psycopg.Error when the database is out of reach.
        """
        well = self._limits.without(shards)
        batches = []
        if len(well) > 1:
            batches += self._apply_together(well)
            well = []
        alone = [*well, *self._limits.by_turn(shards)]
        return merged([*batches, *(self._apply_alone(shard, deadline, must=len(shards) == 1) for shard in alone)])

    def is_well(self, shards: Collection[int]) -> bool:
        """Return whether the last batches of all these shards succeeded."""
        return len(self._limits.without(shards)) == len(shards)

    def put_off(self, shards: Collection[int], error: Exception) -> Batch:
        """Leave shards to the next ring, or to the sweeper, after a fault that only time heals."""
        sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
        logger.warning("drain put off", shards=list(shards), kind=type(error).__name__, sqlstate=sqlstate)
        self._doorbell.lower(shards)
        return Batch(0, put_off=frozenset(shards))

    def close(self) -> None:
        """Give the connection back."""
        self._applier.close()

    def _apply_together(self, shards: Collection[int]) -> list[Batch]:
        """Apply one batch of all; after a failure none, and each is to be tried on its own, with no more than it had here."""
        limit = share_of(len(shards))
        try:
            return [self._applier.apply(shards, limit)]
        except Exception as error:
            if is_out_of_reach(error):
                raise
            logger.warning("batch failed", shards=list(shards), exc_info=error)
            for shard in shards:
                self._limits.keep(shard, BatchLimit(limit))
            return []

    def _apply_alone(self, shard: int, deadline: float, *, must: bool) -> Batch:
        """Apply a batch of one shard. One for which no time is left counts as full: it has not been looked at."""
        if not must and time.monotonic() >= deadline:
            return Batch(0, full=True)
        limit = self._limits.of(shard)
        try:
            batch = self._applier.apply([shard], limit.limit)
        except Exception as error:
            if is_out_of_reach(error):
                raise
            self._limits.keep(shard, limit)
            return self._after_failure(shard, limit, error)
        self._after_success(shard, limit)
        return batch

    def _after_success(self, shard: int, limit: BatchLimit) -> None:
        if limit.record_success():
            self._limits.drop(shard)
        else:
            self._limits.keep(shard, limit)

    def _after_failure(self, shard: int, limit: BatchLimit, error: Exception) -> Batch:
        """Put the shard off after a fault that only time heals; else shrink its next batch, or give up on its first transfer."""
        if is_transient(error):
            if took_too_long(error):
                limit.record_timeout()
            return self.put_off([shard], error)
        self._record_failure(shard, limit, error)
        if limit.suspect is None or not limit.exhausted:
            time.sleep(PAUSE_AFTER_FAILURE_S)
            return Batch(0, full=True)
        return self._give_up(shard, limit, limit.suspect)

    def _record_failure(self, shard: int, limit: BatchLimit, error: Exception) -> None:
        head = self._applier.head
        transfer = head and ids.text(Prefix.TRANSFER, head)
        logger.error("batch failed", shard=shard, limit=limit.limit, transfer=transfer, exc_info=error)
        limit.record_failure(head)

    def _give_up(self, shard: int, limit: BatchLimit, suspect: UUID) -> Batch:
        """Reject the transfer that has failed on its own too often, unless too many were rejected so of late."""
        transfer = ids.text(Prefix.TRANSFER, suspect)
        if self._allowance.is_spent(time.monotonic()):
            # Its flag stays up until it expires: until then only the sweeper tries.
            logger.critical("too many transfers given up on, shard put off", shard=shard, transfer=transfer)
            return Batch(0, put_off=frozenset([shard]))
        logger.critical("transfer given up on", shard=shard, transfer=transfer)
        return self._reject(shard, limit, suspect)

    def _reject(self, shard: int, limit: BatchLimit, suspect: UUID) -> Batch:
        """Reject the transfer. Where that fails too, its shard is put off, and no other."""
        try:
            rejected = self._applier.reject(shard, suspect)
        except psycopg.Error as error:
            if is_out_of_reach(error):
                raise
            return self.put_off([shard], error)
        limit.failures = 0
        if rejected:
            self._allowance.spend(time.monotonic())
        return Batch(rejected, full=True)


def merged(batches: Iterable[Batch]) -> Batch:
    """Return what became of several batches as if they had been one."""
    given = list(batches)
    return Batch(
        finished=sum(batch.finished for batch in given),
        full=any(batch.full for batch in given),
        busy=frozenset().union(*(batch.busy for batch in given)),
        put_off=frozenset().union(*(batch.put_off for batch in given)),
    )


def is_out_of_reach(error: Exception) -> bool:
    """Return whether the database itself did not answer: the next shard would fare no better."""
    return is_transient(error) and getattr(error, "sqlstate", None) is None
