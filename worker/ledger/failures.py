"""What a drain does after a batch has failed: it tries each shard alone, shrinks the batches, rejects a transfer that always fails.

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

# A guess. It gives a lock time to be released. A failing batch of 500 is halved eight times, and the fifth failure at a limit of
# one rejects the transfer: twelve pauses, 0.6 s of the 3 s that a job has.
PAUSE_AFTER_FAILURE_S = 0.05

logger = log.get(__name__)


class CarefulApplier:
    """Applies batches. A shard whose batch failed gets batches of its own until they succeed, so it delays no other shard."""

    def __init__(self, applier: Applier, doorbell: ShardDoorbell) -> None:
        self._applier = applier
        self._doorbell = doorbell
        self._limits = BatchLimits()
        self._allowance = Allowance()

    def apply(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply one batch of all shards that have not failed, and one batch of each shard that has.

        Shards that failed are tried until the deadline, the longest ago tried first, in this job and in later ones. So a shard
        whose failures take all the time of a job does not take the turn of another shard.

        Raises psycopg.Error when the database does not answer.
        """
        healthy = self._limits.without(shards)
        batches = []
        if len(healthy) > 1:
            batches += self._apply_together(healthy)
            healthy = []
        alone = [*healthy, *self._limits.by_turn(shards)]
        return merged([*batches, *(self._apply_alone(shard, deadline, must=len(shards) == 1) for shard in alone)])

    def is_healthy(self, shards: Collection[int]) -> bool:
        """Return whether the last batches of all these shards succeeded."""
        return len(self._limits.without(shards)) == len(shards)

    def defer(self, shards: Collection[int], error: Exception) -> Batch:
        """Leave shards to the next ring, or to the sweeper, after a fault that passes with time. Logged as "drain put off"."""
        sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
        logger.warning("drain put off", shards=list(shards), kind=type(error).__name__, sqlstate=sqlstate)
        self._doorbell.lower(shards)
        return Batch(0, deferred=frozenset(shards))

    def add_totals(self) -> None:
        """Add the running totals that the batches so far make due. Raises nothing for a fault of the database."""
        self._applier.add_totals()

    def close(self) -> None:
        """Close the connection."""
        self._applier.close()

    def _apply_together(self, shards: Collection[int]) -> list[Batch]:
        """Apply one batch of all these shards. If it fails, return no batch and give each shard its share here as its limit."""
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
        """Apply a batch of one shard. After the deadline return it as full without a try: it may have transfers."""
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
        """Defer the shard after a fault that passes with time; otherwise shrink its next batch, or reject its first transfer."""
        if is_transient(error):
            if took_too_long(error):
                limit.record_timeout()
            return self.defer([shard], error)
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
        """Reject a transfer that failed too often on its own, unless this process has rejected too many within the last hour."""
        transfer = ids.text(Prefix.TRANSFER, suspect)
        if self._allowance.is_spent(time.monotonic()):
            # The shard's flag stays up until it expires. Until then only the sweeper tries the shard.
            logger.critical("too many transfers given up on, shard put off", shard=shard, transfer=transfer)
            return Batch(0, deferred=frozenset([shard]))
        logger.critical("transfer given up on", shard=shard, transfer=transfer)
        return self._reject(shard, limit, suspect)

    def _reject(self, shard: int, limit: BatchLimit, suspect: UUID) -> Batch:
        """Reject the transfer. If that fails too, defer its shard and no other."""
        try:
            rejected = self._applier.reject(shard, suspect)
        except psycopg.Error as error:
            if is_out_of_reach(error):
                raise
            return self.defer([shard], error)
        limit.failures = 0
        if rejected:
            self._allowance.spend(time.monotonic())
        return Batch(rejected, full=True)


def merged(batches: Iterable[Batch]) -> Batch:
    """Return the results of several batches as one."""
    given = list(batches)
    return Batch(
        finished=sum(batch.finished for batch in given),
        full=any(batch.full for batch in given),
        busy=frozenset().union(*(batch.busy for batch in given)),
        deferred=frozenset().union(*(batch.deferred for batch in given)),
    )


def is_out_of_reach(error: Exception) -> bool:
    """Return whether the database did not answer at all: the next shard would get no answer either."""
    return is_transient(error) and getattr(error, "sqlstate", None) is None
